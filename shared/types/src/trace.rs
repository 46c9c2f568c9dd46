//! W3C Trace Context (<https://www.w3.org/TR/trace-context/>, level 1, and level 2's random flag and keys): one id for
//! everything that one request causes, however many functions and queues that takes.

use std::fmt;

use crate::random;

/// Bit of the flags: the caller may have recorded the trace.
const SAMPLED: u8 = 1;
/// Bit of the flags: the trace id is random (level 2).
const RANDOM: u8 = 2;
/// Longest `tracestate` that is passed on, in bytes: what the specification asks everybody to pass on.
const LONGEST_STATE: usize = 512;
/// Most members of a `tracestate`.
const MOST_MEMBERS: usize = 32;
/// A member longer than this is the first to go when the whole is too long.
const LONG_MEMBER: usize = 128;

/// A place in a trace: which trace, and which step (span) of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    trace_id: u128,
    span_id: u64,
    flags: u8,
    state: String,
}

impl Trace {
    /// A new trace. Every invocation is logged, so it is marked as sampled.
    pub fn start() -> Self {
        // All zeros are no id; chance makes them once in 2^64.
        let (trace_id, span_id) = (u128::from_be_bytes(random::bytes()).max(1), span_id());
        Self { trace_id, span_id, flags: SAMPLED | RANDOM, state: String::new() }
    }

    /// Reads `traceparent` and `tracestate` (several headers of it joined by commas). `None` for a `traceparent` that
    /// is invalid, and then a new trace is to be started; an invalid `tracestate` alone is dropped.
    pub fn parse(traceparent: &str, tracestate: &str) -> Option<Self> {
        let mut fields = traceparent.splitn(5, '-');
        let mut field = |length| hex(fields.next()?, length);
        let (version, trace_id, span_id, flags) = (field(2)?, field(32)?, field(16)?, field(2)?);
        // Later versions may have more fields behind these four; version 00 has none, and ff is none.
        let more = fields.next().is_some();
        if version == 0xff || (version == 0 && more) || trace_id == 0 || span_id == 0 {
            return None;
        }
        Some(Self {
            trace_id,
            span_id: u64::try_from(span_id).ok()?,
            flags: u8::try_from(flags).ok()? & (SAMPLED | RANDOM),
            state: state(tracestate).unwrap_or_default(),
        })
    }

    /// The next step of the same trace.
    #[must_use]
    pub fn child(&self) -> Self {
        Self { span_id: span_id(), ..self.clone() }
    }

    /// The trace's id: 32 hexadecimal digits.
    pub fn trace_id(&self) -> String {
        format!("{:032x}", self.trace_id)
    }

    /// The step's id: 16 hexadecimal digits.
    pub fn span_id(&self) -> String {
        format!("{:016x}", self.span_id)
    }

    /// What other tracing systems passed along, to be sent as `tracestate` where it is not empty.
    pub fn state(&self) -> &str {
        &self.state
    }
}

/// The value of `traceparent`, in version 00.
impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace_id, self.span_id, self.flags)
    }
}

fn span_id() -> u64 {
    u64::from_be_bytes(random::bytes()).max(1)
}

/// Exactly `length` hexadecimal digits in lower case.
fn hex(text: &str, length: usize) -> Option<u128> {
    let digits = text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    u128::from_str_radix(text, 16).ok().filter(|_| digits)
}

/// The list as it is passed on; `None` for one that is invalid.
fn state(text: &str) -> Option<String> {
    let members: Vec<&str> = text.split(',').map(|member| member.trim_matches([' ', '\t'])).collect();
    let mut members: Vec<&str> = members.into_iter().filter(|member| !member.is_empty()).collect();
    let mut keys: Vec<&str> = members.iter().map(|member| key_of(member)).collect::<Option<_>>()?;
    keys.sort_unstable();
    if members.len() > MOST_MEMBERS || keys.windows(2).any(|pair| pair[0] == pair[1]) {
        return None;
    }
    let length = |members: &[&str]| members.iter().map(|member| member.len() + 1).sum::<usize>();
    while length(&members) > LONGEST_STATE + 1 {
        let longest = members.iter().rposition(|member| member.len() > LONG_MEMBER);
        members.remove(longest.unwrap_or(members.len() - 1));
    }
    Some(members.join(","))
}

/// The key of a valid member.
fn key_of(member: &str) -> Option<&str> {
    let (key, value) = member.split_once('=')?;
    let first = key.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let rest = key.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-*/@".contains(&byte));
    let printable = value.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'=');
    (first && rest && printable && key.len() <= 256 && (1..=256).contains(&value.len())).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const VALID: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn what_is_a_traceparent() {
        for (text, valid) in [
            (VALID, true),
            ("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what-the-future-brings", true),
            ("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", true),
            ("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01.what", false),
            ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more", false),
            ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-", false),
            ("ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false),
            ("00-00000000000000000000000000000000-b7ad6b7169203331-01", false),
            ("00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", false),
            ("00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01", false),
            ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1", false),
            ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331", false),
            ("00-+af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false),
            ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0x", false),
            ("", false),
        ] {
            assert_eq!(Trace::parse(text, "").is_some(), valid, "{text}");
        }
    }

    #[test]
    fn what_is_passed_on() {
        let state_of = |text: &str| Trace::parse(VALID, text).map(|trace| trace.state().to_owned()).unwrap_or_default();
        assert_eq!(state_of("rojo=00f067aa0ba902b7 ,, congo=t61 rcWkgMzE"), "rojo=00f067aa0ba902b7,congo=t61 rcWkgMzE");
        assert_eq!(state_of("fw529a3039@dt=FfAAAA"), "fw529a3039@dt=FfAAAA");
        for invalid in ["rojo", "rojo=", "=1", "Rojo=1", "a=1,a=2", "a=b=c", "ä=1", "a=ä", "a b=1"] {
            assert_eq!(state_of(invalid), "", "{invalid}");
        }
        let many = |count: usize| (0..count).map(|i| format!("k{i}=1")).collect::<Vec<_>>().join(",");
        assert_eq!((state_of(&many(32)), state_of(&many(33))), (many(32), String::new()));
        // Too long: the long member goes first, then the last ones.
        let long = format!("big={},first=1,{},last=1", "x".repeat(200), "y=".to_owned() + &"z".repeat(120));
        assert_eq!(state_of(&long), long, "336 bytes are passed on");
        let too_long =
            format!("big={},a={},b={},c={},last=1", "x".repeat(200), "y".repeat(120), "y".repeat(120), "y".repeat(120));
        assert!(state_of(&too_long).starts_with("a=y") && state_of(&too_long).ends_with(",last=1"));
        let flags = Trace::parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-ff", "");
        assert!(flags.is_some_and(|trace| trace.to_string().ends_with("-03")), "flags nobody knows are not passed on");
    }

    proptest! {
        #[test]
        fn a_trace_survives_its_text(_ in 0..64_u8) {
            let trace = Trace::start();
            let step = trace.child();
            prop_assert_eq!(Trace::parse(&trace.to_string(), ""), Some(trace.clone()));
            prop_assert_eq!((trace.trace_id(), trace.trace_id().len()), (step.trace_id(), 32));
            prop_assert_ne!(trace.span_id(), step.span_id());
        }

        /// Whatever comes, what is made of it is valid, and by the grammar.
        #[test]
        fn no_text_makes_an_invalid_trace(
            parent in "[0-9a-fg]{1,3}-[0-9a-f]{31,33}-[0-9a-f]{15,17}-[0-9a-f]{1,3}(-[a-z]*)?|\\PC*",
            state in "[a-z0-9=,@ \t_A-Z-]{0,700}|\\PC*",
        ) {
            let Some(trace) = Trace::parse(&parent, &state) else { return Ok(()) };
            prop_assert_eq!(Trace::parse(&trace.to_string(), trace.state()), Some(trace.clone()));
            prop_assert!(parent.contains(&trace.trace_id()) && parent.contains(&trace.span_id()));
            prop_assert!(trace.state().len() <= LONGEST_STATE);
        }
    }
}
