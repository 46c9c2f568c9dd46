//! What clients saw.

use serde_json::Value;
use testkit::Run;
use types::Instant;

/// One request and its answer, between two ticks of a counter that all clients share.
#[derive(Debug, Clone)]
pub struct Seen {
    pub operation: u64,
    pub began: u64,
    pub ended: u64,
    /// The clock, which stood still meanwhile.
    pub at: Instant,
    pub owner: u64,
    pub what: What,
}

#[derive(Debug, Clone)]
pub enum What {
    /// Each request has a URL of its own, so a URL says which request made a link; a repetition has the first's.
    Create {
        request: u64,
        body: Value,
        keyed: bool,
        made: Made,
    },
    Follow {
        code: String,
        opened: Opened,
    },
    Disable {
        code: String,
        got: Got,
    },
    Stats {
        code: String,
        total: Option<u64>,
    },
    Get {
        code: String,
        looked: Looked,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Made {
    Link(String),
    Refused(String),
    /// No answer, or none that says what happened.
    Unknown,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opened {
    /// It leads there; whether the click was sent for certain.
    To {
        url: String,
        sent: bool,
    },
    Refused(String),
    /// Failed, and so without a click.
    Failed,
    /// Killed: perhaps with a click.
    Unknown,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Got {
    Done,
    Refused(String),
    Unknown,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Looked {
    At { url: String, state: String },
    Refused(String),
    Unknown,
}

impl Made {
    pub fn of(run: &Run) -> Self {
        match (run.status(), run.problem()) {
            (201, _) => Self::Link(text(&run.body()["code"])),
            (409, problem) if problem == "idempotency-key-in-progress" => Self::Unknown,
            (400..500, problem) => Self::Refused(problem),
            _ => Self::Unknown,
        }
    }
}

impl Opened {
    pub fn of(run: &Run) -> Self {
        match (run.status(), run) {
            (302, Run::Answered(Ok(answer), _)) => {
                Self::To { url: text(&answer["headers"]["location"]), sent: run.count("clicks_lost") == 0.0 }
            }
            (400..500, _) => Self::Refused(run.problem()),
            (_, Run::Killed) => Self::Unknown,
            _ => Self::Failed,
        }
    }
}

impl Got {
    pub fn of(run: &Run) -> Self {
        match run.status() {
            204 => Self::Done,
            400..500 => Self::Refused(run.problem()),
            _ => Self::Unknown,
        }
    }
}

impl Looked {
    pub fn of(run: &Run) -> Self {
        match run.status() {
            200 => Self::At { url: text(&run.body()["url"]), state: text(&run.body()["state"]) },
            400..500 => Self::Refused(run.problem()),
            _ => Self::Unknown,
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
