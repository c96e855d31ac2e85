//! Reading a whole pool, page after page, for reconciliation: never more than one page in memory.

use super::client::{Netbox, vrf_filter};
use super::error::{Doing, NetboxError};
use super::remote::{FIELDS, RemotePrefix};
use futures::stream::{self, Stream, TryStreamExt};
use ipnet::Ipv6Net;

/// Objects of a page: a page of 1000 costs NetBox five to ten times a page of 50, and an answer stays far below the size limit.
const PAGE: usize = 500;

impl Netbox {
    /// Every prefix strictly inside `parent` in this VRF, in the order of ids.
    pub async fn scan(
        &self,
        parent: Ipv6Net,
        vrf: Option<i64>,
    ) -> Result<impl Stream<Item = Result<RemotePrefix, NetboxError>> + Send + '_, NetboxError> {
        let pages = stream::try_unfold(Some(0i64), move |from| async move {
            let Some(from) = from else { return Ok::<_, NetboxError>(None) };
            let page = self.scan_page(parent, vrf, from, PAGE).await?;
            let next = page.last().filter(|_| page.len() == PAGE).map(|p| p.id + 1);
            Ok(Some((stream::iter(page.into_iter().map(Ok)), next)))
        });
        Ok(pages.try_flatten())
    }

    /// A page of them, from this id on. Pages go by id, not by offset: others may write meanwhile without a row being missed or seen
    /// twice. (4.6 has a cursor for that; 4.4 ignores it, so there it is `id__gte` in id order.)
    pub(super) async fn scan_page(
        &self,
        parent: Ipv6Net,
        vrf: Option<i64>,
        from: i64,
        limit: usize,
    ) -> Result<Vec<RemotePrefix>, NetboxError> {
        let known = self.known().version;
        if known.is_none() {
            self.version().await?;
        }
        let cursor = self.known().version.is_some_and(|v| v >= (4, 6));
        let mut query =
            vec![("within", parent.to_string()), ("vrf_id", vrf_filter(vrf)), ("limit", limit.to_string()), ("fields", FIELDS.to_owned())];
        if cursor {
            query.push(("start", from.to_string()));
        } else {
            query.push(("ordering", "id".to_owned()));
            query.push(("id__gte", from.to_string()));
        }
        let (page, _) = self.list(Doing::Scan, query).await?;
        // A filter that is ignored would make this go round for ever.
        let in_order = page.windows(2).all(|w| w[0].id < w[1].id) && page.first().is_none_or(|p| p.id >= from);
        if !in_order || page.iter().any(|p| p.vrf != vrf || !parent.contains(&p.prefix)) {
            return Err(NetboxError::FilterIgnored { field: "within" });
        }
        Ok(page)
    }
}
