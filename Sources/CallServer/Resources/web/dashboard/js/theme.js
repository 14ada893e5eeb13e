// Light, dark, or as the system has it. A plain script, not a module: it runs before the first paint, so that a page that
// was set to dark does not flash white.
(() => {
  const key = 'trunkline.theme';
  const read = () => {
    try {
      return localStorage.getItem(key);
    } catch { return null; }
  };
  const apply = (theme) => {
    if (theme === 'light' || theme === 'dark')
      document.documentElement.dataset.theme = theme;
    else
      delete document.documentElement.dataset.theme;
  };
  apply(read());
  window.trunklineTheme = {
    get: () => read() ?? 'system',
    set(theme) {
      try {
        localStorage.setItem(key, theme);
      } catch { /* private mode: holds until the page is left */
      }
      apply(theme);
    },
  };
})();
