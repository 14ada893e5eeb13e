// Which view is shown: the part of the address after `#`. A reload and the back button lead to the same place.
const parse = (hash) => {
  const text = hash.replace(/^#\/?/, '');
  const [path, search = ''] = text.split('?');
  const decode = (part) => {
    try {
      return decodeURIComponent(part);
    } catch { return part; }
  };
  return {parts: path.split('/').filter(Boolean).map(decode), search: new URLSearchParams(search)};
};

class Router {
  #show = null;
  #current = '';
  /** Asked before the view is left: resolves to whether it may be. */
  guard = null;

  start(show) {
    this.#show = show;
    window.addEventListener('hashchange', () => this.#changed());
    this.#current = location.hash;
    this.#go(true);
  }

  async #changed() {
    const wanted = location.hash;
    if (wanted === this.#current) return;
    if (this.guard && parse(wanted).parts[0] !== parse(this.#current).parts[0]) {
      // The address goes back first: the question is asked over the page that it is about.
      history.replaceState(null, '', this.#current || '#/live');
      if (!await this.guard()) return;
      this.guard = null;
      history.pushState(null, '', wanted);
    }
    this.#current = wanted;
    this.#go(false);
  }

  #go(isFirst) {
    const {parts, search} = parse(location.hash || '#/live');
    this.#show?.(parts, search, isFirst);
  }

  /** Shows the same place again. */
  again() { this.#go(true); }

  go(hash) { location.hash = hash; }

  /** Writes the view's state into the address without leaving it. */
  remember(hash) {
    history.replaceState(null, '', hash);
    this.#current = hash;
  }
}

export const router = new Router();
