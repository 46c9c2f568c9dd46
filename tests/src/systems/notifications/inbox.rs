//! The inbox inside the app.

use super::check;

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
