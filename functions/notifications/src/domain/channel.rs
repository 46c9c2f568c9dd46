//! The ways by which a notification reaches its user.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A way by which a notification is delivered (guides 000 Q13, 003 §4 and 004: push, e-mail, SMS and in-app).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// To the apps of the user's phones.
    Push,
    /// To his e-mail address.
    Email,
    /// To his phone number.
    Sms,
    /// To his inbox inside the application.
    InApp,
    /// To his browsers (RFC 8030).
    WebPush,
    /// To an HTTP endpoint.
    Webhook,
}

impl Channel {
    /// Every channel, in their order.
    pub const ALL: [Self; 6] = [Self::Push, Self::Email, Self::Sms, Self::InApp, Self::WebPush, Self::Webhook];

    /// As it is written in JSON, keys and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Email => "email",
            Self::Sms => "sms",
            Self::InApp => "in_app",
            Self::WebPush => "web_push",
            Self::Webhook => "webhook",
        }
    }

    /// Whether it may wake somebody: what quiet hours and caps are about. An inbox waits, an endpoint does not sleep.
    pub const fn interrupts(self) -> bool {
        !matches!(self, Self::InApp | Self::Webhook)
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_what_json_says() {
        for channel in Channel::ALL {
            assert_eq!(serde_json::to_string(&channel).unwrap(), format!("\"{channel}\""));
            assert_eq!(serde_json::from_str::<Channel>(&format!("\"{channel}\"")).unwrap(), channel);
        }
        assert!(Channel::ALL.is_sorted());
    }

    #[test]
    fn an_inbox_and_an_endpoint_wake_nobody() {
        let calm: Vec<_> = Channel::ALL.into_iter().filter(|channel| !channel.interrupts()).collect();
        assert_eq!(calm, [Channel::InApp, Channel::Webhook]);
    }
}
