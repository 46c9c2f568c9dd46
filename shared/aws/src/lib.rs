//! The AWS SDK as every Lambda here uses it: credentials from the environment, one TLS stack with Amazon's own roots,
//! short timeouts inside the invocation's deadline, every call counted.

pub mod env;
pub mod invocation;
mod metering;
mod sdk;

pub use invocation::{Invocation, count, remaining, trace, within_deadline};
pub use sdk::{Sdk, fault};
