//! The tests of the whole: scenarios of each system in process, and the deployed stacks.

#[cfg(test)]
mod budgets;
#[cfg(test)]
mod clients;
#[cfg(test)]
mod cloud;
#[cfg(test)]
mod documents;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod prove;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod shared;
#[cfg(test)]
mod systems;
#[cfg(test)]
mod tidy;
