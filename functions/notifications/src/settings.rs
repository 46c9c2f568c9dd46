//! What the template's parameters say.

use aws::env::Env;
use types::Fault;

use crate::domain::{Channel, Prefixes, Retries};
use crate::providers::Provider;

/// What an operator chooses.
pub(crate) struct Settings {
    /// Notifications that may interrupt a user in an hour; 0 for any number.
    pub(crate) user_cap: u32,
    pub(crate) retries: Retries,
    pub(crate) sms_prefixes: Prefixes,
    /// What a text message costs, and what a tenant's may cost in a day, in millionths of a dollar.
    pub(crate) sms_micros: u64,
    pub(crate) sms_most_micros: u64,
    /// Where SNS has platform applications: `arn:aws:sns:us-east-1:123456789012:app`.
    pub(crate) applications: String,
    pub(crate) application: String,
    pub(crate) private_hosts: bool,
}

impl Settings {
    pub(crate) fn sms_micros_of(env: &Env) -> Result<u64, Fault> {
        env.parse_or("SMS_PRICE_MICROS", 10_000)
    }

    pub(crate) fn from_env(env: &Env) -> Result<Self, Fault> {
        // Guide 004: at once, after 5 min, 30 min, 2 h; guide 003: three attempts; guide 000: 2^n s.
        let retries = Retries::parse(env.get("RETRY_SECONDS").unwrap_or("300,1800,7200"));
        let prefixes = Prefixes::parse(env.get("SMS_PREFIXES").unwrap_or_default());
        Ok(Self {
            user_cap: env.parse_or("USER_CAP_PER_HOUR", 10)?,
            retries: retries.map_err(|why| Fault::permanent(format!("RETRY_SECONDS: {why}")))?,
            sms_prefixes: prefixes.map_err(|why| Fault::permanent(format!("SMS_PREFIXES: {why}")))?,
            sms_micros: Self::sms_micros_of(env)?,
            sms_most_micros: env.parse_or("SMS_DAILY_CAP_MICROS", 10_000_000)?,
            applications: env.require("PUSH_APPLICATIONS")?.to_owned(),
            application: format!("{}-notifications", env.require("STAGE")?),
            private_hosts: env.parse_or("ALLOW_PRIVATE_HOSTS", false)?,
        })
    }
}

/// What providers take in a second.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rates {
    mails: u32,
    texts: u32,
}

impl Rates {
    pub(crate) fn from_env(env: &Env) -> Result<Self, Fault> {
        Ok(Self { mails: env.parse_or("MAILS_PER_SECOND", 14)?, texts: env.parse_or("TEXTS_PER_SECOND", 20)? })
    }

    pub(crate) fn of(self, provider: Provider) -> Option<u32> {
        let rate = match provider {
            Provider::Ses | Provider::SesElsewhere => self.mails,
            Provider::SnsSms | Provider::SnsSmsElsewhere => self.texts,
            Provider::SnsPush | Provider::WebPush | Provider::Webhook => 0,
        };
        Some(rate).filter(|&rate| rate > 0)
    }
}

/// Of which channels SNS tells in its logs what became of what it took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Statuses {
    push: bool,
    texts: bool,
}

impl Statuses {
    pub(crate) fn from_env(env: &Env) -> Result<Self, Fault> {
        let texts = env.get("SMS_STATUS").is_some_and(|status| status != "none");
        Ok(Self { push: env.parse_or("PUSH_STATUS", false)?, texts })
    }

    pub(crate) fn tell_of(self, channel: Channel) -> bool {
        match channel {
            Channel::Push => self.push,
            Channel::Sms => self.texts,
            _ => false,
        }
    }
}
