// Comfort for composing: every page of it works without this. A draft stays in this browser, for this person alone.
const compose = document.getElementById("compose");
const review = document.getElementById("review");
const KEPT_FOR = 30 * 24 * 60 * 60 * 1000;
const NEVER_KEPT = ["password", "csrfmiddlewaretoken", "table"];
const formOf = ({ elements }) => ({ operation: elements.operation.value, origin: elements.origin.value });
const nameOf = (data) => `draft:${data.person}:${data.operation}:${data.origin}`;
const addressOf = (operation, origin) => {
  const [kind, id] = origin.split(":");
  const query = new URLSearchParams(id ? { from: id } : { operation });
  if (kind === "follow") query.set("as", operation);
  return `/submissions/new/?${query}`;
};
// What a form was sent for isn't sent again by going back or loading anew: both lead to the form and its draft.
const leadBackToForm = (operation, origin) => history.replaceState(null, "", addressOf(operation, origin));
const read = (name) => {
  try { return JSON.parse(localStorage.getItem(name)); } catch { return null; }
};
const write = (name, draft) => {
  // A full or forbidden store costs the draft, not the form.
  try { localStorage.setItem(name, JSON.stringify(draft)); return true; } catch { localStorage.removeItem(name); return false; }
};

for (const name of Object.keys(localStorage).filter((each) => each.startsWith("draft:"))) {
  const draft = read(name);
  if (!draft || Date.now() - draft.at > KEPT_FOR) localStorage.removeItem(name);
}

// What a person does here keeps the session alive, unlike what a page asks for by itself.
const isOurs = (path) => path.startsWith("/submissions/new/");
document.addEventListener("htmx:configRequest", (event) => {
  if (isOurs(event.detail.path)) delete event.detail.headers["HX-Request"];
});
// A session that has ended answers with the page to sign in, which leads back to the form and its draft.
let isLeaving = false;
document.addEventListener("htmx:beforeSwap", (event) => {
  const asked = event.detail.pathInfo.requestPath;
  if (!isOurs(asked) || new URL(event.detail.xhr.responseURL).pathname === asked) return;
  event.detail.shouldSwap = false;
  isLeaving = true;
  const { operation, origin } = review ? review.dataset : formOf(compose);
  location.assign(addressOf(operation, origin));
});

if (compose) {
  const fields = compose.elements;
  const { operation, origin } = formOf(compose);
  const name = nameOf({ person: compose.dataset.person, operation, origin });
  const notice = document.getElementById("draft");
  const saved = compose.querySelector("[data-draft-saved]");
  let isChanged = false;
  let isRestoring = false;
  let isDiscarded = false;
  let timer;

  const save = () => {
    clearTimeout(timer);
    if (isDiscarded) return;
    const values = {};
    for (const [field, value] of new FormData(compose)) {
      if (!NEVER_KEPT.includes(field) && !field.startsWith("row_") && typeof value === "string") values[field] = value;
    }
    delete values.in_rows;
    delete values.only_bad;
    saved.hidden = !write(name, { at: Date.now(), label: compose.dataset.label, values });
  };
  const changed = () => {
    isChanged = true;
    clearTimeout(timer);
    timer = setTimeout(save, 400);
  };
  const restore = (draft) => {
    for (const [field, value] of Object.entries(draft.values)) {
      if (fields[field] && field !== "operation") fields[field].value = value;
      // How the columns are read is known to the page only once the table was.
      else if (!fields[field]) {
        const hidden = Object.assign(document.createElement("input"), { type: "hidden", name: field, value });
        document.getElementById("targets").append(hidden);
      }
    }
    notice.querySelector("[data-draft-time]").textContent = new Date(draft.at).toLocaleString();
    notice.hidden = false;
    isRestoring = true;
    refresh();
  };
  // Has the server read the box again: which columns it has, and what is wrong with which line.
  const refresh = () => document.querySelector("[data-refresh]").click();

  const draft = read(name);
  if (compose.dataset.posted !== undefined) {
    save();
    leadBackToForm(operation, origin);
  }
  else if (draft) document.addEventListener("DOMContentLoaded", () => restore(draft));
  notice.querySelector("[data-draft-discard]").addEventListener("click", () => {
    localStorage.removeItem(name);
    // The page lives on until the next one answers, and must not save again what was discarded.
    isDiscarded = true;
    isLeaving = true;
    location.assign(addressOf(operation, origin));
  });

  compose.addEventListener("input", (event) => event.target.type !== "file" && changed());
  // Most files stay in their space; whoever wants them in another one says so.
  fields.source.addEventListener("change", () => {
    if (fields.target.value.trim()) return;
    fields.target.value = fields.source.value;
    fields.target.dispatchEvent(new Event("input", { bubbles: true }));
  });
  compose.addEventListener("paste", (event) => event.target.name === "files" && setTimeout(refresh));
  // Once for each answer, while afterSwap comes for each element of it.
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target.id !== "targets" || !event.detail.shouldSwap) return;
    if (!isRestoring) changed();
    isRestoring = false;
  });
  compose.addEventListener("submit", (event) => {
    save();
    isLeaving = true;
    if (event.submitter && event.submitter.dataset.stays !== undefined) setTimeout(() => { isLeaving = false; }, 2000);
    else if (event.submitter && event.submitter.dataset.checks !== undefined) document.getElementById("checking").hidden = false;
  });
  window.addEventListener("pageshow", () => { isLeaving = isDiscarded = false; document.getElementById("checking").hidden = true; });
  window.addEventListener("beforeunload", (event) => {
    if (isChanged && !isLeaving) event.preventDefault();
  });
  window.addEventListener("pagehide", () => isChanged && save());

  // A table is dropped, or chosen: at once where nothing can be lost by it.
  const load = () => {
    const hasErrors = document.querySelector("#targets .alert-danger");
    if (!fields.files.value.trim() || hasErrors) document.querySelector("[data-load]").click();
  };
  compose.addEventListener("change", (event) => event.target.name === "table" && event.target.files.length && load());
  const zone = (event) => event.target.closest && event.target.closest("[data-drop]");
  for (const kind of ["dragover", "dragleave", "drop"]) {
    compose.addEventListener(kind, (event) => {
      const over = zone(event);
      if (!over || !event.dataTransfer || !event.dataTransfer.types.includes("Files")) return;
      event.preventDefault();
      over.classList.toggle("drop-over", kind === "dragover");
      if (kind === "drop") {
        fields.table.files = event.dataTransfer.files;
        load();
      }
    });
  }

  // How far a table is: on its way, then being checked.
  const progress = () => document.querySelector("[data-progress]");
  const isOfTargets = (event) => event.detail.elt && event.detail.elt.closest("#targets");
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (isOfTargets(event)) progress().hidden = false;
  });
  document.addEventListener("htmx:xhr:progress", (event) => {
    if (!isOfTargets(event) || !event.detail.lengthComputable) return;
    const isSent = event.detail.loaded >= event.detail.total;
    const bar = progress().querySelector("progress");
    if (isSent) bar.removeAttribute("value");
    else bar.value = event.detail.loaded / event.detail.total;
    progress().querySelector("[data-sending]").hidden = isSent;
    progress().querySelector("[data-reading]").hidden = !isSent;
  });
  for (const trouble of ["htmx:sendError", "htmx:responseError"]) {
    document.addEventListener(trouble, (event) => {
      if (!isOfTargets(event)) return;
      progress().hidden = true;
      document.querySelector("[data-failed]").hidden = false;
    });
  }
}

if (review) {
  const name = nameOf(review.dataset);
  leadBackToForm(review.dataset.operation, review.dataset.origin);
  let isSent = false;
  review.addEventListener("submit", (event) => {
    const isFinal = !event.submitter || !event.submitter.name;
    if (!isFinal) return;
    // The second click of two; the server takes them for one as well.
    if (isSent) event.preventDefault();
    isSent = true;
    const draft = read(name);
    if (draft) write(name, { ...draft, sent: true });
  });
  window.addEventListener("pageshow", () => { isSent = false; });
}

// What was begun and not submitted, beside the operations to choose from.
const drafts = document.getElementById("drafts");
if (drafts) {
  const begin = `draft:${drafts.dataset.person}:`;
  const names = Object.keys(localStorage).filter((each) => each.startsWith(begin));
  drafts.querySelector("[data-drafts-discard]").addEventListener("click", () => {
    names.forEach((name) => localStorage.removeItem(name));
    drafts.hidden = true;
  });
  for (const name of names) {
    const draft = read(name);
    const [operation, ...origin] = name.slice(begin.length).split(":");
    const row = drafts.querySelector("template").content.cloneNode(true);
    const link = row.querySelector("a");
    link.href = addressOf(operation, origin.join(":"));
    link.textContent = draft.label;
    row.querySelector("span").textContent = new Date(draft.at).toLocaleString();
    const item = row.firstElementChild;
    row.querySelector("button").addEventListener("click", () => {
      localStorage.removeItem(name);
      item.remove();
      drafts.hidden = !drafts.querySelector("li");
    });
    drafts.querySelector("ul").append(row);
    drafts.hidden = false;
  }
}
