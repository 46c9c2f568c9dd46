//! The failure that is ours. A *refusal* (4xx) is the domain's answer and has a type of its own in each system; a
//! *fault* (5xx) is logged once with its source chain and shown to nobody.

use std::error::Error;
use std::fmt;

/// The outer `Result` is our failure, the inner one the caller's: `store.insert(link).await??` in a handler.
pub type Answer<T, R> = Result<Result<T, R>, Fault>;

/// Something of ours did not work. `Display` names what was being done and never prints the source; [`Fault::chain`]
/// does.
pub struct Fault(Box<Inner>);

struct Inner {
    what: String,
    source: Option<Box<dyn Error + Send + Sync>>,
    transient: bool,
}

impl Fault {
    /// A failure that the same call may not meet again: throttling, a timeout, a lost connection. HTTP answers 503.
    pub fn transient(what: impl Into<String>) -> Self {
        Self::new(what, true)
    }

    /// A failure that repeats: a bug, a broken item, a missing permission. HTTP answers 500.
    pub fn permanent(what: impl Into<String>) -> Self {
        Self::new(what, false)
    }

    fn new(what: impl Into<String>, transient: bool) -> Self {
        Self(Box::new(Inner { what: what.into(), source: None, transient }))
    }

    /// Attaches the error that caused this one.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Whether trying again later may succeed.
    pub fn is_transient(&self) -> bool {
        self.0.transient
    }

    /// The whole story, for the log: `what: cause: cause of the cause`.
    pub fn chain(&self) -> String {
        let mut text = self.0.what.clone();
        let mut next: Option<&(dyn Error + 'static)> = self.0.source.as_deref().map(|s| s as _);
        while let Some(error) = next {
            text.push_str(": ");
            text.push_str(&error.to_string());
            next = error.source();
        }
        text
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.what)
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.chain())
    }
}

impl Error for Fault {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source.as_deref().map(|s| s as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_hides_the_source_and_the_chain_tells_it() {
        let fault = Fault::transient("reading link cat").caused_by(std::io::Error::other("connection reset"));
        assert_eq!(fault.to_string(), "reading link cat");
        assert_eq!(fault.chain(), "reading link cat: connection reset");
        assert!(fault.is_transient());
    }
}
