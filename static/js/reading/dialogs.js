/** What comes over the page only when it must: help, signing in again, and the lock of a screen left alone. */

import { post } from "./outbox.js";

export class Dialogs {
  #outbox;
  #check = async () => {};

  constructor(outbox) {
    this.#outbox = outbox;
    this.#listenToSignIn();
    element("lock").querySelector("[data-not-me]").addEventListener("click", () => {
      document.querySelector("form[data-leave]").requestSubmit();
    });
    element("lock").addEventListener("cancel", (event) => event.preventDefault());
  }

  help() {
    open(element("help"));
  }

  instructions() {
    open(element("instructions"));
  }

  /** The reading has ended; what of it has not been taken stays here until its rater says otherwise. */
  over(departure = null) {
    const dialog = element("over");
    if (departure) {
      dialog.querySelector("[data-sentence]").textContent = departure.sentence;
      dialog.querySelector("[data-again]").hidden = departure.departure !== "reset";
      dialog.addEventListener("cancel", (event) => event.preventDefault());
      dialog.querySelector("[data-forget]").addEventListener("click", () => this.#outbox.forgetRefused());
      this.left(this.#outbox.refused.length);
    }
    open(dialog);
  }

  /** So many answers are here that were not taken. */
  left(number) {
    const line = element("over").querySelector("[data-left]");
    line.hidden = number === 0;
    line.querySelector("span").textContent = line.dataset.left.replace("%s", number);
  }

  /** Cover the image until somebody says who they are; then call `back`. */
  lock(back) {
    const dialog = element("lock");
    if (dialog.open) return;
    dialog.addEventListener("close", back, { once: true });
    open(dialog);
  }

  /** `check` asks the server who is signed in, and sends what waits when it is the right person. */
  signIn({ another, check }) {
    this.#check = check;
    const dialog = element("sign-in");
    for (const why of dialog.querySelectorAll("[data-why]")) {
      why.hidden = why.dataset.why !== (another ? "another" : "ended");
    }
    open(dialog);
  }

  signedIn() {
    const dialog = element("sign-in");
    dialog.querySelector("form").reset();
    if (dialog.open) dialog.close();
  }

  #listenToSignIn() {
    const dialog = element("sign-in");
    const form = dialog.querySelector("form");
    const { login, request, confirm, logout } = form.dataset;
    const code = dialog.querySelector("[data-code]");
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (this.#outbox.held === "otherAccount") await send(logout, {});
      const { email, password, code: typed } = Object.fromEntries(new FormData(form));
      if (code.hidden) await send(login, { login: email, password });
      else await send(confirm, { code: typed });
      await this.#check();
      dialog.querySelector("[data-failed]").hidden = !dialog.open;
    });
    dialog.querySelector("[data-send-code]").addEventListener("click", async () => {
      await send(request, { email: form.elements.email.value });
      code.hidden = false;
      form.elements.code.focus();
    });
    dialog.querySelector("[data-later]").addEventListener("click", () => dialog.close());
  }
}

/** Whether it worked is asked of the server afterwards: its pages answer 200 either way. */
async function send(url, fields) {
  await post(url, fields, { headers: { Accept: "text/html" }, redirect: "follow" }).catch(() => {});
}

function element(id) {
  return document.getElementById(id);
}

function open(dialog) {
  if (!dialog.open) dialog.showModal();
}
