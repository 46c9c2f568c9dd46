//! Condition and key expressions. A small builder of our own: it owns the placeholders, so no name or value is ever
//! spliced into an expression (there is no maintained crate out of beta for this).

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use crate::item::Value;

/// A condition on the item that is about to be written.
#[derive(Debug, Clone)]
pub enum Condition {
    /// The attribute is there.
    Exists(String),
    /// The attribute is not there; `missing("pk")` means there is no item.
    Missing(String),
    /// `attribute operator value`.
    Compare(String, &'static str, Value),
    /// `one < other`, both attributes of the item.
    Below(String, String),
    /// The list, set or text has this member or part.
    Contains(String, Value),
    /// The list, set or text has fewer members or parts than so many.
    Fewer(String, u64),
    /// All of them.
    All(Vec<Condition>),
    /// Any of them.
    Any(Vec<Condition>),
}

/// The attribute is there.
pub fn exists(attribute: impl Into<String>) -> Condition {
    Condition::Exists(attribute.into())
}

/// The attribute is not there; `missing("pk")` means there is no item.
pub fn missing(attribute: impl Into<String>) -> Condition {
    Condition::Missing(attribute.into())
}

/// `attribute = value`
pub fn eq(attribute: impl Into<String>, value: impl Into<Value>) -> Condition {
    Condition::Compare(attribute.into(), "=", value.into())
}

/// `attribute <> value`
pub fn ne(attribute: impl Into<String>, value: impl Into<Value>) -> Condition {
    Condition::Compare(attribute.into(), "<>", value.into())
}

/// `attribute < value`
pub fn lt(attribute: impl Into<String>, value: impl Into<Value>) -> Condition {
    Condition::Compare(attribute.into(), "<", value.into())
}

/// `attribute <= value`
pub fn le(attribute: impl Into<String>, value: impl Into<Value>) -> Condition {
    Condition::Compare(attribute.into(), "<=", value.into())
}

/// `attribute > value`
pub fn gt(attribute: impl Into<String>, value: impl Into<Value>) -> Condition {
    Condition::Compare(attribute.into(), ">", value.into())
}

/// `one < other`, both attributes; false where either is missing.
pub fn below(one: impl Into<String>, other: impl Into<String>) -> Condition {
    Condition::Below(one.into(), other.into())
}

/// The list, set or text has this member or part.
pub fn contains(attribute: impl Into<String>, part: impl Into<Value>) -> Condition {
    Condition::Contains(attribute.into(), part.into())
}

/// `size(attribute) < most`; false where it is missing.
pub fn fewer(attribute: impl Into<String>, most: u64) -> Condition {
    Condition::Fewer(attribute.into(), most)
}

impl Condition {
    /// Both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match self {
            Self::All(mut all) => {
                all.push(other);
                Self::All(all)
            }
            one => Self::All(vec![one, other]),
        }
    }

    /// Either.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        match self {
            Self::Any(mut any) => {
                any.push(other);
                Self::Any(any)
            }
            one => Self::Any(vec![one, other]),
        }
    }

    pub(crate) fn write(&self, names: &mut Placeholders) -> String {
        match self {
            Self::Exists(attribute) => format!("attribute_exists({})", names.name(attribute)),
            Self::Missing(attribute) => format!("attribute_not_exists({})", names.name(attribute)),
            Self::Compare(attribute, operator, value) => {
                format!("{} {operator} {}", names.name(attribute), names.value(value.clone()))
            }
            Self::Below(one, other) => format!("{} < {}", names.name(one), names.name(other)),
            Self::Contains(attribute, part) => {
                format!("contains({}, {})", names.name(attribute), names.value(part.clone()))
            }
            Self::Fewer(attribute, most) => {
                format!("size({}) < {}", names.name(attribute), names.value((*most).into()))
            }
            Self::All(all) => join(all, " AND ", names),
            Self::Any(any) => join(any, " OR ", names),
        }
    }
}

fn join(parts: &[Condition], separator: &str, names: &mut Placeholders) -> String {
    let parts: Vec<String> = parts.iter().map(|part| part.write(names)).collect();
    format!("({})", parts.join(separator))
}

/// The names and values of one request's expressions.
#[derive(Debug, Default)]
pub(crate) struct Placeholders {
    names: Vec<String>,
    values: Vec<AttributeValue>,
}

impl Placeholders {
    pub(crate) fn name(&mut self, attribute: &str) -> String {
        let known = self.names.iter().position(|name| name == attribute);
        let index = known.unwrap_or_else(|| {
            self.names.push(attribute.to_owned());
            self.names.len() - 1
        });
        format!("#{index}")
    }

    pub(crate) fn value(&mut self, value: Value) -> String {
        self.values.push(value.0);
        format!(":{}", self.values.len() - 1)
    }

    /// The two maps as the SDK takes them: absent rather than empty, which DynamoDB refuses.
    #[allow(clippy::type_complexity)]
    pub(crate) fn finish(self) -> (Option<HashMap<String, String>>, Option<HashMap<String, AttributeValue>>) {
        let names: HashMap<_, _> =
            self.names.into_iter().enumerate().map(|(i, name)| (format!("#{i}"), name)).collect();
        let values: HashMap<_, _> =
            self.values.into_iter().enumerate().map(|(i, value)| (format!(":{i}"), value)).collect();
        ((!names.is_empty()).then_some(names), (!values.is_empty()).then_some(values))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_shared_and_values_are_not() {
        let mut names = Placeholders::default();
        let free = missing("pk").or(le("purge_at", 7_i64)).and(eq("pk", "x"));
        assert_eq!(free.write(&mut names), "((attribute_not_exists(#0) OR #1 <= :0) AND #0 = :1)");
        let (names, values) = names.finish();
        assert_eq!(names.map(|n| n.len()), Some(2));
        assert_eq!(values.map(|v| v.len()), Some(2));
    }
}
