//! POST /users/{user}/addresses: register a device, a mailbox, a phone, a browser or a webhook of a user.

use web::{Body, Caller, Created, Path, Problem, RequestMeta, State};

use crate::App;
use crate::addresses::NewAddress;
use crate::view::AddressView;

/// One query and one write, and for a device or a mailbox that is to be verified one call to its provider between them.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    meta: RequestMeta,
    Path(user): Path<String>,
    Body(new): Body<NewAddress>,
) -> Result<Created<AddressView>, Problem> {
    let view = app.register(&caller.id, &user, new, &meta).await??;
    Ok(Created::at(format!("/users/{user}/addresses/{}", view.address_id), view))
}
