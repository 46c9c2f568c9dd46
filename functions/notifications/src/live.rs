//! From the table's stream to whoever looks at an inbox. It is done as well as it can be: the list is the truth.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream;
use serde::Serialize;
use types::{Fault, Instant};
use web::{Connections, Gone};
use work::{Change, Kind};

use crate::App;
use crate::domain::{Connection, Counts, InboxItem};
use crate::store::keys;
use crate::view::InboxItemView;

/// Users that are told at once.
const TOGETHER: usize = 8;
/// What a batch of changes may take, so that deliveries in the same stream do not wait.
const MOST_TIME: Duration = Duration::from_secs(5);

/// What a connection is told.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Event {
    /// An item arrived or was marked.
    Item { item: Box<InboxItemView> },
    /// How much is new.
    Counts { counts: Counts },
}

/// What changed of a user's inbox, the last of each item.
type News = BTreeMap<String, String>;

impl App {
    /// Tells whoever is connected what changed of their inbox. Nothing that fails here fails the batch.
    pub(crate) async fn tell_live(&self, changes: &[Change]) {
        let now = self.clock.now();
        let telling = stream::iter(news(changes)).for_each_concurrent(TOGETHER, |((tenant, user), news)| async move {
            if let Err(fault) = self.tell_user(&tenant, &user, &news, now).await {
                aws::count("live_failed", 1.0);
                tracing::warn!(fault = fault.chain(), "an inbox is not told live");
            }
        });
        if tokio::time::timeout(MOST_TIME, telling).await.is_err() {
            aws::count("live_late", 1.0);
        }
    }

    async fn tell_user(&self, tenant: &str, user: &str, news: &News, now: Instant) -> Result<(), Fault> {
        let connections = self.store.connections(tenant, user, now).await?;
        let told = connections.iter().map(|connection| self.tell(connection, news));
        // One that fails keeps none of the others back.
        futures_util::future::join_all(told).await.into_iter().collect()
    }

    async fn tell(&self, connection: &Connection, news: &News) -> Result<(), Fault> {
        for message in news.values() {
            if self.connections().post(&connection.connection, message).await? == Err(Gone) {
                aws::count("connections_gone", 1.0);
                return self.store.disconnect(&connection.connection).await;
            }
            aws::count("live_sent", 1.0);
        }
        Ok(())
    }

    fn connections(&self) -> &Connections {
        let url = self.env.get("CONNECTIONS_URL").unwrap_or_default();
        self.connections.get_or_init(|| Connections::new(&self.sdk, url))
    }
}

/// The messages for each user whose inbox changed, by the changes' sort keys: counts before items.
fn news(changes: &[Change]) -> BTreeMap<(String, String), News> {
    let mut all: BTreeMap<(String, String), News> = BTreeMap::new();
    for change in changes.iter().filter(|change| change.kind != Kind::Remove) {
        let pk = change.new.as_ref().and_then(|item| item.get("pk")?.as_s().ok());
        let Some((tenant, user)) = pk.and_then(|pk| keys::whose_inbox(pk)) else { continue };
        match message(change) {
            Ok(Some(message)) => {
                let of_user = all.entry((tenant.to_owned(), user.to_owned())).or_default();
                of_user.insert(change.sk.clone(), message);
            }
            Ok(None) => {}
            Err(fault) => tracing::error!(fault = fault.chain(), "a change of an inbox cannot be read"),
        }
    }
    all
}

fn message(change: &Change) -> Result<Option<String>, Fault> {
    let event = match change.sk.as_str() {
        "COUNTS" => change.after::<Counts>()?.map(|counts| Event::Counts { counts }),
        sk if sk.starts_with("ITEM#") => {
            change.after::<InboxItem>()?.map(|item| Event::Item { item: Box::new(item.into()) })
        }
        _ => None,
    };
    let written = event.map(|event| serde_json::to_string(&event)).transpose();
    written.map_err(|e| Fault::permanent("writing an event of an inbox").caused_by(e))
}
