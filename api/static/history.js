// Alerts from before this page was opened, page by page. The history may be away; live goes on without it.

const PAGE = 100;

export class History {
  constructor(url) {
    this.url = url;
    this.next = null;
  }

  /** The newest alerts, or the page after the last one; newest first. Throws where the history is not to be had. */
  async page(token, continued) {
    const query = new URLSearchParams({ limit: PAGE });
    if (continued) query.set("cursor", this.next);
    const headers = token ? { Authorization: `Bearer ${token}` } : {};
    const answer = await fetch(`${this.url}?${query}`, { headers });
    const body = await answer.json();
    if (!answer.ok) throw new Error(body.detail);
    this.next = body.next;
    return body.alerts;
  }
}
