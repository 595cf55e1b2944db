/** On every page of a rater outside the reading room: send what an earlier page could not, and sign out clean. */

import { SaveStore, Outbox, postSave } from "./outbox.js";

export class Door {
  #form;
  #outbox;

  constructor(form) {
    this.#form = form;
    const { account } = form.dataset;
    this.#outbox = new Outbox({
      saveStore: new SaveStore(account),
      drafts: new SaveStore(account, "drafts"),
      post: (save) => postSave(save, account),
    });
    this.#outbox.addEventListener("change", () => {
      const { unsaved, refused } = this.#outbox;
      const [words, number] = unsaved ? [form.dataset.notSaved, unsaved] : [form.dataset.notTaken, refused.length];
      this.#say(number ? words.replace("%s", number) : "");
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#outbox.signOut(form);
    });
    addEventListener("pageshow", (event) => event.persisted && location.reload());
  }

  open() {
    return this.#outbox.open();
  }

  #say(text) {
    this.#form.querySelector("[data-door-status]").textContent = text;
  }
}

const form = document.querySelector("form[data-leave]");
if (form) new Door(form).open();
