use tower_service::Service;

use crate::call::Call;
use crate::error::Error;
use crate::reply::Reply;

/// A service that answers calls: what every hook wraps, and every provider is.
///
/// Implemented for all services that qualify; it cannot be implemented by hand.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not answer calls",
    note = "a hook's service needs `Service<Call, Response = Reply, Error = aisix_core::Error>`, \
            a future that is `Send + 'static`, and must itself be `Clone + Send + Sync + 'static`"
)]
pub trait CallService:
    Service<Call, Response = Reply, Error = Error, Future: Send + 'static>
    + Clone
    + Send
    + Sync
    + 'static
{
}

impl<S> CallService for S where
    S: Service<Call, Response = Reply, Error = Error, Future: Send + 'static>
        + Clone
        + Send
        + Sync
        + 'static
{
}
