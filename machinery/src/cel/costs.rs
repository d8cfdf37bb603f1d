//! The worst cost of a call beside its arguments, by the sizes of what it is given.

use super::ast::{Kind, Literal};
use super::estimate::{Argument, CallCost, Size, share};
use super::types::Type;

/// Characters that a unit of cost buys, and those of a pattern.
const TEXT: f64 = 0.1;
const PATTERN: f64 = 0.25;

fn fixed(cost: u64) -> CallCost {
    CallCost { cost, result: None }
}

/// The cost of one overload of a function.
pub(super) fn of(function: &str, id: &str, target: Option<&Argument<'_>>, args: &[Argument<'_>]) -> CallCost {
    library(function, id, target, args)
        .or_else(|| language(id, target, args))
        .unwrap_or_else(|| fixed(1))
}

fn library(function: &str, id: &str, target: Option<&Argument<'_>>, args: &[Argument<'_>]) -> Option<CallCost> {
    let first = args.first();
    let size_of = |argument: Option<&Argument<'_>>| argument.map_or(Size::UNKNOWN, |argument| argument.size);
    let text = |size: Size| share(size.most, TEXT);
    Some(match function {
        "isSorted" | "sum" | "max" | "min" | "indexOf" | "lastIndexOf" => {
            let target = target?;
            match target.of {
                Type::List(item) => {
                    let each = match **item {
                        Type::Text | Type::Bytes => 1_u64.saturating_add(text(target.item)),
                        _ => 1,
                    };
                    fixed(target.size.most.saturating_mul(each))
                }
                _ => fixed(text(target.size)),
            }
        }
        "url" => CallCost {
            cost: text(size_of(first)),
            result: first.map(|argument| argument.size),
        },
        "lowerAscii" | "upperAscii" | "substring" | "trim" => CallCost {
            cost: text(target?.size),
            result: Some(target?.size),
        },
        "replace" => replace(target?, first?, args.get(1)?),
        "split" => {
            let size = target?.size;
            let most = match args.get(1).map(|argument| &argument.expr.kind) {
                Some(Kind::Literal(Literal::Int(most))) => u64::try_from(*most).unwrap_or(u64::MAX),
                _ => size.most,
            };
            CallCost {
                cost: share(size.most, 2.0 * TEXT),
                result: Some(Size { least: 0, most }),
            }
        }
        "join" => {
            let target = target?;
            let mut size = target.size.times(target.item);
            if let Some(separator) = first {
                let between = Size {
                    least: target.size.least.saturating_sub(1),
                    most: target.size.most.saturating_sub(1),
                };
                size = size.plus(separator.size.times(between));
            }
            CallCost {
                cost: text(size),
                result: Some(size),
            }
        }
        "find" | "findAll" => {
            let size = target?.size;
            let cost = share(size.most.saturating_add(1), TEXT).saturating_mul(share(size_of(first).most, PATTERN));
            let most = size.most;
            CallCost {
                cost,
                result: Some(Size { least: 0, most }),
            }
        }
        "ip" if id == "cidr_ip" => fixed(1),
        "cidr" | "isIP" | "isCIDR" | "ip" | "quantity" | "isQuantity" | "semver" | "isSemver" => {
            fixed(text(size_of(first)))
        }
        "ip.isCanonical" => fixed(share(size_of(first).most, 2.0 * TEXT)),
        "containsIP" | "containsCIDR" => {
            // Two addresses of 16 bytes; a text is read first, and a range is masked.
            let mut cost = share(32, TEXT);
            if function == "containsCIDR" {
                cost += share(16, TEXT) + 1;
            }
            if id.ends_with("_string") {
                cost = cost.saturating_add(text(size_of(first)));
            }
            fixed(cost)
        }
        "validate" => fixed(share(text(size_of(first)), 128.0 * PATTERN)),
        "_==_" => match args {
            [a, b] if a.of.is(b.of) && matches!(a.of, Type::Opaque(_)) => fixed(1),
            _ => return None,
        },
        "sets.contains" | "sets.intersects" | "sets.equivalent" => {
            let factor = if function == "sets.equivalent" { 2 } else { 1 };
            let both = size_of(first).times(size_of(args.get(1)));
            fixed(both.most.saturating_mul(factor).saturating_add(1))
        }
        "reverse" | "flatten" | "slice" => {
            let size = target?.size;
            CallCost {
                cost: size.most.saturating_add(11),
                result: Some(size),
            }
        }
        "distinct" | "sort" => {
            let size = target?.size;
            CallCost {
                cost: size.most.saturating_mul(size.most).saturating_mul(2).saturating_add(11),
                result: Some(size),
            }
        }
        "lists.range" => {
            let most = match first.map(|argument| &argument.expr.kind) {
                Some(Kind::Literal(Literal::Int(most))) => u64::try_from(*most).unwrap_or_default(),
                _ => u64::MAX,
            };
            CallCost {
                cost: most.saturating_add(11),
                result: Some(Size::fixed(most)),
            }
        }
        _ => return None,
    })
}

/// The result of a replacement may be longer than what it was made from.
fn replace(target: &Argument<'_>, old: &Argument<'_>, new: &Argument<'_>) -> CallCost {
    let size = target.size;
    let (count, kept) = if old.size.least == 0 {
        (size.most.saturating_add(1), size.most)
    } else if new.size.most <= old.size.least {
        (0, size.most)
    } else {
        (size.most.div_ceil(old.size.least), 0)
    };
    let most = count.saturating_mul(new.size.most).saturating_add(kept);
    CallCost {
        cost: share(size.most, 2.0 * TEXT),
        result: Some(Size { least: 0, most }),
    }
}

fn language(id: &str, target: Option<&Argument<'_>>, args: &[Argument<'_>]) -> Option<CallCost> {
    let size_of = |argument: Option<&Argument<'_>>| argument.map_or(Size::UNKNOWN, |argument| argument.size);
    let (first, second) = (args.first(), args.get(1));
    Some(match id {
        "string_to_bytes" => CallCost {
            cost: share(size_of(first).most, TEXT),
            result: Some(Size {
                least: size_of(first).least,
                most: size_of(first).most.saturating_mul(4),
            }),
        },
        "bytes_to_string" => CallCost {
            cost: share(size_of(first).most, TEXT),
            result: Some(Size {
                least: size_of(first).least / 4,
                most: size_of(first).most,
            }),
        },
        "strings_quote" => CallCost {
            cost: share(size_of(first).most, TEXT),
            result: Some(size_of(first).times(Size::fixed(2)).plus(Size::fixed(2))),
        },
        "string_format_list" => fixed(share(size_of(target).most, TEXT)),
        "starts_with_string" | "ends_with_string" => fixed(share(size_of(first).most, TEXT)),
        "in_list" => fixed(size_of(second).most),
        "matches_string" => {
            let text = share(size_of(target).most.saturating_add(1), TEXT);
            fixed(text.saturating_mul(share(size_of(first).most, PATTERN)))
        }
        "contains_string" => {
            let text = share(size_of(target).most, TEXT);
            fixed(text.saturating_mul(share(size_of(first).most, TEXT)))
        }
        "add_list" => CallCost {
            cost: 1,
            result: Some(size_of(first).plus(size_of(second))),
        },
        "add_string" | "add_bytes" => {
            let size = size_of(first).plus(size_of(second));
            CallCost {
                cost: share(size.most, TEXT),
                result: Some(size),
            }
        }
        "equals"
        | "not_equals"
        | "less_string"
        | "less_bytes"
        | "less_equals_string"
        | "less_equals_bytes"
        | "greater_string"
        | "greater_bytes"
        | "greater_equals_string"
        | "greater_equals_bytes" => fixed(share(size_of(first).most.min(size_of(second).most), TEXT)),
        _ => return None,
    })
}
