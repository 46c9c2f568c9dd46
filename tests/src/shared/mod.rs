//! What the systems stand on, where it needs real tables and queues.

mod counters;
mod due;
mod leases;

/// Runs a test that waits on many things at once, with threads enough to race.
fn race<T>(test: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build()?.block_on(test)
}
