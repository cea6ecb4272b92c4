//! A stream out of an async function: what `futures_util::stream::unfold` is, for streams without
//! an end.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use pin_project_lite::pin_project;

pin_project! {
    struct Unfold<S, F, Fut> {
        state: Option<S>,
        next: F,
        #[pin]
        pending: Option<Fut>,
    }
}

/// Asks `next` for one item after the other, handing on the state.
pub(super) fn unfold<S, T, F, Fut>(state: S, next: F) -> impl Stream<Item = T>
where
    F: FnMut(S) -> Fut,
    Fut: Future<Output = (T, S)>,
{
    Unfold {
        state: Some(state),
        next,
        pending: None,
    }
}

impl<S, T, F, Fut> Stream for Unfold<S, F, Fut>
where
    F: FnMut(S) -> Fut,
    Fut: Future<Output = (T, S)>,
{
    type Item = T;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let mut this = self.project();
        if let Some(state) = this.state.take() {
            this.pending.set(Some((this.next)(state)));
        }
        let Some(pending) = this.pending.as_mut().as_pin_mut() else {
            return Poll::Ready(None);
        };
        let (item, state) = ready!(pending.poll(cx));
        this.pending.set(None);
        *this.state = Some(state);
        Poll::Ready(Some(item))
    }
}
