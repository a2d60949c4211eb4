// What rules can be made of: alert types and metrics, fetched when somebody first asks for them.

const LISTS = [
  { key: "templates", title: "Alert types", url: "/api/v1/templates", entry: alertType },
  { key: "metrics", title: "Metrics", url: "/api/v1/metrics", entry: metric },
];

export class Reference {
  constructor(dialog) {
    this.dialog = dialog;
    this.filter = dialog.querySelector("input");
    this.body = dialog.querySelector(".entries");
    this.loaded = false;
    this.filter.addEventListener("input", () => this.show());
  }

  async open(token) {
    this.dialog.showModal();
    if (this.loaded) return;
    this.body.textContent = "Loading";
    try {
      const parts = await Promise.all(LISTS.map((list) => section(list, token)));
      this.body.replaceChildren(...parts);
      this.loaded = true;
      this.show();
    } catch (error) {
      this.body.textContent = `The lists cannot be shown: ${error.message}`;
    }
  }

  /** Only what holds the filter's text. */
  show() {
    const wanted = this.filter.value.toLowerCase();
    for (const item of this.body.querySelectorAll("article")) {
      item.hidden = !item.textContent.toLowerCase().includes(wanted);
    }
  }
}

async function section({ key, title, url, entry }, token) {
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  const answer = await fetch(url, { headers });
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.detail);
  const found = document.createElement("section");
  found.append(element("h3", `${title} (${body[key].length})`), ...body[key].map((one) => article(one, ...entry(one))));
  return found;
}

function article({ name, parameters }, text, code, small) {
  const found = document.createElement("article");
  const given = parameters.map((one) => (one.default === null ? one.name : `${one.name}=${one.default}`));
  found.append(element("h4", given.length ? `${name}(${given.join(", ")})` : name), element("p", text));
  if (code) found.append(element("code", code));
  found.append(element("small", small));
  return found;
}

function alertType({ description, condition, trigger, volume_threshold: volume, calculated_during: during }) {
  const small = [trigger.replaceAll("_", " ")];
  if (volume) small.push(`from ${volume.toLocaleString("en")} shares of the day on`);
  if (during !== "all") small.push(`session: ${during}`);
  return [description, condition, small.join(" · ")];
}

function metric({ definition, unit, first_value: first, moves_with: moves }) {
  return [definition, "", `${unit} · first value: ${first} · moves with: ${moves}`];
}

function element(name, text) {
  return Object.assign(document.createElement(name), { textContent: text });
}
