//! Plain questions that are signed (TSIG): secondaries ask for the SOA record so. Verified, answered as any other, and signed.
//! In: a packet, keys, what answers. Out: the answer. Absent: transfers, whose answers are many messages.

use domain::base::iana::{Rcode, TsigRcode};
use domain::base::message_builder::MessageBuilder;
use domain::base::{Message, UnknownRecordData};
use domain::rdata::tsig::Time48;
use domain::tsig::{Key, ServerError, ServerTransaction};

use super::TransferKeys;

/// Answers a signed packet; none where it gets no answer. `answer` is given the packet without its signature.
pub(crate) fn answer_signed(
    keys: &TransferKeys,
    packet: &[u8],
    seconds: u64,
    answer: impl FnOnce(&[u8]) -> Option<Vec<u8>>,
) -> Option<Vec<u8>> {
    let original = Message::from_octets(packet.to_vec()).ok()?;
    let mut message = original.clone();
    let now = Time48::from_u64(seconds);
    let transaction: ServerTransaction<Key> = match ServerTransaction::request(keys.store(), &mut message, now) {
        Ok(found) => found?,
        Err(error) => return refusal(error, &original),
    };
    let out = Message::from_octets(answer(message.as_slice())?).ok()?;
    // The answer again, as a message to which a signature can be added.
    let mut builder = MessageBuilder::from_target(Vec::with_capacity(out.as_slice().len() + 128)).ok()?;
    *builder.header_mut() = out.header();
    let mut questions = builder.question();
    for question in out.question() {
        questions.push(question.ok()?).ok()?;
    }
    let mut answers = questions.answer();
    for record in out.answer().ok()? {
        answers
            .push(record.ok()?.to_record::<UnknownRecordData<_>>().ok()??)
            .ok()?;
    }
    let mut authorities = answers.authority();
    for record in out.authority().ok()? {
        authorities
            .push(record.ok()?.to_record::<UnknownRecordData<_>>().ok()??)
            .ok()?;
    }
    let mut additionals = authorities.additional();
    for record in out.additional().ok()? {
        additionals
            .push(record.ok()?.to_record::<UnknownRecordData<_>>().ok()??)
            .ok()?;
    }
    transaction.answer(&mut additionals, now).ok()?;
    Some(additionals.finish())
}

/// The answer to a message whose signature does not count.
pub(super) fn refusal(error: ServerError<Key>, original: &Message<Vec<u8>>) -> Option<Vec<u8>> {
    let code = error.error();
    let builder = MessageBuilder::from_target(Vec::new()).ok()?;
    let message = error.build_message(original, builder).ok()?;
    let wrong = code == TsigRcode::FORMERR && message.header().rcode() == Rcode::NOTAUTH;
    let mut bytes = message.finish();
    // `domain` says FORMERR of a signature that is wrong, where RFC 8945 5.2.2 says BADSIG. The error stands before the last field of the last
    // record, a length that is 0.
    let at = bytes.len().checked_sub(4)?;
    if let Some(slot) = bytes.get_mut(at..at + 2).filter(|_| wrong) {
        slot.copy_from_slice(&TsigRcode::BADSIG.to_int().to_be_bytes());
    }
    Some(bytes)
}
