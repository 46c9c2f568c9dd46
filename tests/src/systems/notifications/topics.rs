//! Topics: who has subscribed is told what is published, page after page.

use anyhow::{Result, ensure};
use notifications::App;
use serde_json::{Value, json};
use testkit::{Delivery, World};

use super::fan_out::{call, children, expand, send};
use super::{WORLDS, check};

async fn subscribe(world: &mut World<App>, topic: &str, users: usize) -> Result<()> {
    for user in 0..users {
        call(world, "PUT", &format!("/topics/{topic}/subscribers/user-{user}"), Value::Null).await?;
    }
    Ok(())
}

#[test]
fn who_has_subscribed_is_told_and_who_has_not_or_not_any_more_is_not() {
    check(
        "alice PUT    /topics/match-7/subscribers/ada  204
         alice PUT    /topics/match-7/subscribers/ada  204
         alice PUT    /topics/match-7/subscribers/bob  204
         alice PUT    /topics/match-8/subscribers/cyd  204
         bob   PUT    /topics/match-7/subscribers/dan  204
         alice PUT    /topics/a%20b/subscribers/ada  422 topic-invalid
         alice PUT    /topics/match-7/subscribers/a%23b  422 user-invalid
         alice(users:read) PUT /topics/match-7/subscribers/eve  403 insufficient-scope
         alice DELETE /topics/match-7/subscribers/bob  204
         alice DELETE /topics/match-7/subscribers/bob  204
         bob   DELETE /topics/match-7/subscribers/ada  204
         bob   GET    /topics/match-7/subscribers  200
         alice GET    /topics/nothing/subscribers  200 {items: []}
         alice POST   /notifications {topic: match-7, type: score, title: '1:0', body: b}  202 {notification_id: $goal}
         alice GET    /notifications/$goal  200 {topic: match-7, state: expanding, recipients: 0}
         stream forward_rest twice
         queue expand_fan_out twice
         alice GET    /notifications/$goal  200 {state: expanded, recipients: 1, expanded: 1, refused: 0}
         stream forward_rest
         queue deliver
         alice GET    /users/ada/inbox/count  200 {unread: 1}
         alice GET    /users/bob/inbox/count  200 {unread: 0}
         alice GET    /users/cyd/inbox/count  200 {unread: 0}
         alice GET    /users/dan/inbox/count  200 {unread: 0}
         bob   GET    /users/dan/inbox/count  200 {unread: 0}",
    );
}

#[tokio::test]
async fn a_list_of_subscribers_has_each_once_whatever_its_pages_are() -> Result<()> {
    let mut world = WORLDS.make(&[]).await?;
    subscribe(&mut world, "list", 45).await?;
    for limit in [1, 7, 45, 100] {
        let (mut found, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
        loop {
            let path = format!("/topics/list/subscribers?limit={limit}{cursor}");
            let page = call(&mut world, "GET", &path, Value::Null).await?;
            let items = page["items"].as_array().cloned().unwrap_or_default();
            ensure!(items.len() <= limit, "{} of {limit}", items.len());
            found.extend(items.iter().map(|item| item["user_id"].to_string()));
            pages += 1;
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        found.sort();
        found.dedup();
        assert_eq!(found.len(), 45, "limit {limit}");
        ensure!(pages <= 45_usize.div_ceil(limit) + 1, "{pages} pages of {limit}");
    }
    Ok(())
}

#[tokio::test]
async fn a_thousand_subscribers_have_one_each_though_all_comes_twice_and_shuffled() -> Result<()> {
    let mut world = WORLDS.make(&[]).await?;
    subscribe(&mut world, "all", 1000).await?;
    let id = send(&mut world, json!({"topic": "all"})).await?;
    expand(&mut world, Delivery::TwiceShuffled(11)).await?;
    let made = children(&mut world, &id).await?;
    assert_eq!((made.len(), made.values().all(|&times| times == 1)), (1000, true));
    let shown = call(&mut world, "GET", &format!("/notifications/{id}"), Value::Null).await?;
    let counts = [&shown["state"], &shown["recipients"], &shown["expanded"], &shown["refused"]];
    assert_eq!(counts, [&json!("expanded"), &json!(1000), &json!(1000), &json!(0)]);
    Ok(())
}

/// Names of one partition make pages of it: 250 users are three.
#[tokio::test]
async fn a_fan_out_that_is_taken_back_in_the_middle_ends_there() -> Result<()> {
    let mut world = WORLDS.make(&[]).await?;
    let same = |n: &usize| notifications::domain::fan_out::shard_of(&format!("user-{n}")) == 3;
    for n in (0..).filter(same).take(250) {
        call(&mut world, "PUT", &format!("/topics/one/subscribers/user-{n}"), Value::Null).await?;
    }
    let id = send(&mut world, json!({"topic": "one"})).await?;
    world.stream("forward_rest", Delivery::Once).await?;
    world.drain("expand_fan_out", Delivery::Once).await?;
    let path = format!("/notifications/{id}");
    let shown = call(&mut world, "GET", &path, Value::Null).await?;
    assert_eq!((&shown["state"], &shown["expanded"]), (&json!("expanding"), &json!(100)));
    call(&mut world, "DELETE", &path, Value::Null).await?;
    expand(&mut world, Delivery::TwiceShuffled(3)).await?;
    let shown = call(&mut world, "GET", &path, Value::Null).await?;
    assert_eq!((&shown["state"], &shown["expanded"]), (&json!("canceled"), &json!(100)));
    assert_eq!(children(&mut world, &id).await?.len(), 100);
    Ok(())
}
