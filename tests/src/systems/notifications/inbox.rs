//! The inbox inside the app.

use anyhow::Result;
use serde_json::{Value, json};
use testkit::Delivery;

use super::check;
use super::delivery::{call, seen_world, send, work};

#[test]
fn items_are_seen_read_archived_and_put_off_and_counted_exactly() {
    check(
        "alice POST /notifications {user_id: ada, type: news, title: one, body: b, data: {n: 1}}  202 {notification_id: $one}
         clock +1s
         alice POST /notifications {user_id: ada, type: news, title: two, body: b}  202 {notification_id: $two}
         stream forward_rest
         queue deliver 2
         alice GET   /users/ada/inbox/count  200 {unseen: 2, unread: 2}
         alice PATCH /users/ada/inbox/$one {seen: true}  200 {notification_id: $one, data: {n: 1}}
         alice PATCH /users/ada/inbox/$one {seen: true}  200
         calls 1
         alice GET   /users/ada/inbox/count  200 {unseen: 1, unread: 2}
         alice PATCH /users/ada/inbox/$two {read: true}  200
         alice GET   /users/ada/inbox/count  200 {unseen: 0, unread: 1}
         alice GET   /users/ada/inbox?unread=true&limit=1  200
         alice PATCH /users/ada/inbox/$two {archived: true}  200
         alice PATCH /users/ada/inbox/$one {snoozed_until: '2027-01-15T09:00:00Z'}  200
         alice GET   /users/ada/inbox  200 {items: []}
         alice GET   /users/ada/inbox/count  200 {unseen: 0, unread: 1}
         clock +2h
         alice PATCH /users/ada/inbox/$one {archived: true}  200
         alice GET   /users/ada/inbox/count  200 {unseen: 0, unread: 0}
         alice PATCH /users/ada/inbox/$one {archived: false, read: false}  200
         alice GET   /users/ada/inbox/count  200 {unseen: 0, unread: 1}
         alice PATCH /users/ada/inbox/nothing {read: true}  404 item-not-found
         bob   PATCH /users/ada/inbox/$one {read: true}  404 item-not-found",
    );
}

/// TTL removes what is older than a month, read or not; it is counted no more, once.
#[tokio::test]
async fn what_ttl_removes_unread_is_not_counted_any_more() -> Result<()> {
    let mut world = seen_world().await?;
    let ids = [send(&mut world, json!({})).await?, send(&mut world, json!({})).await?];
    work(&mut world).await?;
    call(&mut world, "PATCH", &format!("/users/ada/inbox/{}", ids[1]), json!({"read": true})).await?;
    let table = dynamo::Table::new(world.sdk().dynamodb(), world.env("TABLE"));
    for id in &ids {
        let key = dynamo::Key::new("INBOX#alice#ada", format!("ITEM#{id}"));
        table.delete(key).send_or::<serde::de::IgnoredAny, ()>(|_| ()).await?.ok();
    }
    world.stream("forward_rest", Delivery::TwiceShuffled(7)).await?;
    let counts = call(&mut world, "GET", "/users/ada/inbox/count", Value::Null).await?;
    assert_eq!(counts, json!({"unseen": 0, "unread": 0}));
    Ok(())
}
