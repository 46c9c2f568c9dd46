//! Types and rules: no AWS, HTTP, clock, randomness or environment. Time, ids and chance are arguments.

pub mod address;
mod channel;
mod delivery;
mod digest;
mod dispatch;
pub mod fan_out;
mod inbox;
mod live;
pub mod notification;
mod payload;
mod preferences;
mod quiet;
mod refusal;
mod segments;
mod template;

pub use address::{Address, AddressState, MOST_ADDRESSES, Platform, Prefixes, Signing, Target};
pub use channel::Channel;
pub use delivery::{Delivery, DeliveryState, Errand, Retries};
pub use digest::{
    DIGEST, DigestErrand, DigestItem, DigestPeriod, DigestPreferences, MOST_LISTED, MOST_READ, Task,
    render as render_digest,
};
pub use dispatch::{Others, Sight, Step, plan};
pub use fan_out::{Audience, AudienceFile, FanOut, FanOutState, Said, Shard, ShardState, Worked};
pub use inbox::{Counts, InboxItem, Mark};
pub use live::{Connection, MOST_CONNECTIONS, free_place};
pub use notification::{Fallback, KEPT, MOST_AHEAD, Notification, NotificationState, When};
pub use payload::{for_browser, for_push, for_webhook, push_lasts, sms_text};
pub use preferences::{Locale, OptOut, Preferences, TypePreferences, is_type};
pub use quiet::{QuietHours, TimeOfDay, Zone};
pub use refusal::NotificationError;
pub use segments::segments;
pub use template::{Content, Rendered, Template, TemplateError};
