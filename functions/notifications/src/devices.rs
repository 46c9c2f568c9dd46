//! Devices, of which SNS keeps an endpoint each.

use types::{Answer, Fault, Instant};

use crate::App;
use crate::domain::{Address, AddressState, NotificationError, Target, address};
use crate::view::AddressView;

impl App {
    /// A device has one endpoint, whoever registers it; it is the last one's who does. Who was there before, perhaps of
    /// another tenant, is not at this device any more, and would have others read what is told them.
    pub(crate) async fn take_over(&self, address: &Address, now: Instant) -> Result<(), Fault> {
        let Target::Push { endpoint, .. } = &address.target else { return Ok(()) };
        let Some(owner) = self.store.owner_of(endpoint).await? else { return Ok(()) };
        if (&owner.tenant, &owner.user, &owner.address) == (&address.tenant, &address.user, &address.id) {
            return Ok(());
        }
        let Ok(before) = self.store.address(&owner.tenant, &owner.user, &owner.address).await? else { return Ok(()) };
        if matches!(&before.target, Target::Push { endpoint: theirs, .. } if theirs == endpoint) {
            aws::count("devices_taken_over", 1.0);
            let key = crate::store::keys::address(&owner.tenant, &owner.user, &owner.address);
            self.store.set_address_state(key, &before.target, AddressState::Gone, now).await?;
        }
        Ok(())
    }

    /// Forgets an address, and its endpoint where that is nobody else's by now.
    pub(crate) async fn forget(&self, tenant: &str, user: &str, id: &str) -> Answer<(), NotificationError> {
        let deleted = match self.store.delete_address(tenant, user, id).await? {
            Ok(deleted) => deleted,
            Err(refusal) => return Ok(Err(refusal)),
        };
        self.leave_endpoint(&deleted).await.map(Ok)
    }

    /// What SNS has of a device would stay there for ever.
    pub(crate) async fn leave_endpoint(&self, address: &Address) -> Result<(), Fault> {
        let Target::Push { endpoint, .. } = &address.target else { return Ok(()) };
        if self.store.disown(endpoint, address).await? {
            self.providers.forget(endpoint).await?;
        }
        Ok(())
    }

    /// A device's token is another by now.
    pub(crate) async fn refresh(
        &self,
        tenant: &str,
        user: &str,
        id: &str,
        token: &str,
    ) -> Answer<AddressView, NotificationError> {
        let (token, address) = match (address::token(token), self.find_address(tenant, user, id).await?) {
            (Ok(token), Ok(address)) => (token, address),
            (Err(refusal), _) | (_, Err(refusal)) => return Ok(Err(refusal)),
        };
        let Target::Push { platform, endpoint, .. } = address.target.clone() else {
            return Ok(Err(NotificationError::OtherChannel("device")));
        };
        let owner = self.store.owner_of(&endpoint).await?;
        let is_ours =
            owner.is_some_and(|it| (it.tenant.as_str(), it.user.as_str(), it.address.as_str()) == (tenant, user, id));
        // An endpoint that is another's by now stays theirs, and one that was deleted has another in its place.
        let kept = if is_ours { self.providers.refresh(&endpoint, &token).await?.is_ok() } else { false };
        let endpoint = match kept {
            true => endpoint,
            false => match self.providers.register(&self.application(platform), &token).await? {
                Ok(endpoint) => endpoint,
                Err(_) => return Ok(Err(NotificationError::Address("SNS does not take this token"))),
            },
        };
        let (now, target) = (self.clock.now(), Target::Push { platform, token, endpoint });
        let next = Address { target, ..address.clone() };
        self.take_over(&next, now).await?;
        self.store.note_owner(&next).await?;
        Ok(self.store.retarget(&address, &next.target, now).await?.map(AddressView::from))
    }
}
