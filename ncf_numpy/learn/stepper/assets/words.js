// What the page says, in the language chosen: the texts stand in texts.json and story.json.

export class Words {
  constructor(texts, language) {
    this.texts = texts;
    this.language = language in texts.languages ? language : "en";
  }

  // say("step-of", {n: 3, total: 32})
  say(key, values = {}) {
    const text = this.texts.words[key][this.language];
    return text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  }

  // What a planted bug does; in English it says so itself
  bug(name, summary) {
    return this.texts.bugs[name]?.[this.language] ?? summary;
  }

  // Why this line: {why, section, equation}
  story(record) {
    const chapter = this.texts.story[record.fn];
    return { why: chapter?.why[record.name]?.[this.language], section: chapter?.section, paper: chapter?.paper };
  }

  // Put the words where the frame wants them
  fillIn(root) {
    root.lang = this.language;
    for (const element of root.querySelectorAll("[data-word]")) element.textContent = this.say(element.dataset.word);
    for (const element of root.querySelectorAll("[data-label]")) element.setAttribute("aria-label", this.say(element.dataset.label));
    for (const element of root.querySelectorAll("[data-title]")) element.title = this.say(element.dataset.title);
  }
}
