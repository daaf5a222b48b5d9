/** A root element that follows the theme of the page around it. */

import { type ChartTheme, isDarkBehind, readTheme, watchTheme } from '../charts/theme';
import { onAbort } from '../dom/dom';

/** Marks the root as light or dark now and with each change of the page, until the signal aborts. */
export function followTheme(
  root: HTMLElement,
  changed: (theme: ChartTheme) => void,
  signal: AbortSignal,
): void {
  const update = (): void => {
    const dark = isDarkBehind(root) || isDarkByName();
    root.dataset.stlTheme = dark ? 'dark' : 'light';
    changed(readTheme(root, dark));
  };
  update();
  watchTheme(update, signal);
  // The host may put the element into the page a moment later.
  const frame = requestAnimationFrame(update);
  onAbort(signal, () => cancelAnimationFrame(frame));
}

/** Hosts that say so on the body, before their style sheets are there. */
function isDarkByName(): boolean {
  const { body } = document;
  return body.dataset.jpThemeLight === 'false' || body.classList.contains('vscode-dark');
}
