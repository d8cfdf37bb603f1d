//! The archives by which `kubectl cp` moves files: ustar, one file. Pure: bytes in, bytes out. Source: POSIX.1-1988, pax(1).

const BLOCK: usize = 512;
/// Where the parts of a header that are written here stand.
const MODE: usize = 100;
const SIZE: usize = 124;
const CHECKSUM: usize = 148;
const KIND: usize = 156;
const MAGIC: usize = 257;

/// An archive of one file. The name is one of a simulated container, and short.
pub(super) fn of(name: &str, content: &str) -> Vec<u8> {
    let mut header = [0_u8; BLOCK];
    let mut put = |at: usize, text: &[u8]| {
        for (slot, byte) in header.iter_mut().skip(at).zip(text) {
            *slot = *byte;
        }
    };
    put(0, name.trim_start_matches('/').as_bytes());
    put(MODE, b"0000644");
    put(SIZE, format!("{:011o}", content.len()).as_bytes());
    put(CHECKSUM, b"        ");
    put(KIND, b"0");
    put(MAGIC, b"ustar\x0000");
    let sum = format!("{:06o}\0 ", sum(&header));
    let mut archive = header.to_vec();
    for (slot, byte) in archive.iter_mut().skip(CHECKSUM).zip(sum.bytes()) {
        *slot = byte;
    }
    archive.extend_from_slice(content.as_bytes());
    archive.resize(archive.len().next_multiple_of(BLOCK), 0);
    archive.resize(archive.len() + 2 * BLOCK, 0);
    archive
}

/// How many entries an archive has.
///
/// # Errors
/// It is none, or ends early; in words of tar.
pub(super) fn entries(archive: &[u8]) -> Result<usize, &'static str> {
    let mut rest = archive;
    let mut found = 0;
    loop {
        let (header, behind) = rest.split_at_checked(BLOCK).ok_or("tar: Unexpected EOF in archive")?;
        if header.iter().all(|byte| *byte == 0) {
            return Ok(found);
        }
        let field = |at: usize, length: usize| {
            let text = header.get(at..at + length).unwrap_or_default();
            let text = std::str::from_utf8(text).unwrap_or_default();
            usize::from_str_radix(text.trim_matches(['\0', ' ']), 8).ok()
        };
        let mut blank = header.to_vec();
        blank.iter_mut().skip(CHECKSUM).take(8).for_each(|byte| *byte = b' ');
        let said = field(CHECKSUM, 8).filter(|said| *said == sum(&blank));
        let size = field(SIZE, 12).filter(|_| said.is_some());
        let size = size.ok_or("tar: This does not look like a tar archive")?;
        rest = behind
            .get(size.next_multiple_of(BLOCK)..)
            .ok_or("tar: Unexpected EOF in archive")?;
        found += 1;
    }
}

fn sum(header: &[u8]) -> usize {
    header.iter().map(|byte| usize::from(*byte)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_found() {
        let archive = of("/etc/hostname", "web-1\n");
        assert_eq!(archive.len(), 4 * BLOCK);
        assert!(archive.starts_with(b"etc/hostname\0"));
        assert_eq!(entries(&archive), Ok(1));
        assert_eq!(entries(&[0; 2 * BLOCK]), Ok(0));
        assert!(entries(archive.get(..BLOCK).unwrap()).is_err(), "it ends early");
        let mut broken = archive;
        broken[0] = b'x';
        assert!(entries(&broken).unwrap_err().contains("does not look like"));
    }
}
