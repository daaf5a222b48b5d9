/** A menu below a button. */

import { h } from '../dom/dom';
import { type IconName, icon } from '../dom/icons';

export interface MenuItem {
  readonly label: string;
  readonly action: string;
  readonly pick: () => void;
  readonly checked?: boolean;
  readonly disabled?: boolean;
  readonly danger?: boolean;
}

/** Makes a button that opens a menu. The items are asked for each time. */
export function menuButton(
  symbol: IconName,
  label: string,
  action: string,
  items: () => readonly MenuItem[],
  signal: AbortSignal,
): HTMLElement {
  const button = h(
    'button',
    {
      class: 'stl-button stl-square',
      title: label,
      aria: { label, haspopup: 'menu', expanded: 'false' },
      data: { action },
      attrs: { type: 'button' },
    },
    icon(symbol),
  );
  const root = h('div', { class: 'stl-menu-holder' }, button);
  button.addEventListener(
    'click',
    () => {
      if (button.getAttribute('aria-expanded') === 'true') return;
      openMenu(root, button, items(), signal);
    },
    { signal },
  );
  return root;
}

export function openMenu(
  holder: HTMLElement,
  opener: HTMLElement,
  items: readonly MenuItem[],
  signal: AbortSignal,
): void {
  const scope = new AbortController();
  const options = { signal: scope.signal };
  const list = h('div', { class: 'stl-menu', role: 'menu' });
  const close = (refocus: boolean): void => {
    if (scope.signal.aborted) return;
    scope.abort();
    list.remove();
    opener.setAttribute('aria-expanded', 'false');
    if (refocus) opener.focus({ preventScroll: true });
  };
  const buttons = items.map((item) => {
    const isChoice = item.checked !== undefined;
    const button = h(
      'button',
      {
        class: item.danger === true ? 'stl-menu-item stl-menu-danger' : 'stl-menu-item',
        role: isChoice ? 'menuitemcheckbox' : 'menuitem',
        aria: isChoice ? { checked: String(item.checked) } : {},
        data: { action: item.action },
        attrs: { type: 'button', tabindex: '-1' },
      },
      item.label,
    );
    button.disabled = item.disabled === true;
    button.addEventListener(
      'click',
      () => {
        if (isChoice) {
          const now = button.getAttribute('aria-checked') !== 'true';
          button.setAttribute('aria-checked', String(now));
        } else close(true);
        item.pick();
      },
      options,
    );
    return button;
  });
  list.append(...buttons);
  const usable = buttons.filter((button) => !button.disabled);
  list.addEventListener(
    'keydown',
    (event) => {
      const at = usable.indexOf(document.activeElement as HTMLButtonElement);
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step !== undefined) usable[(at + step + usable.length) % usable.length]?.focus();
      else if (event.key === 'Home') usable[0]?.focus();
      else if (event.key === 'End') usable.at(-1)?.focus();
      else if (event.key === 'Escape') close(true);
      else if (event.key === 'Tab') close(false);
      else return;
      if (event.key !== 'Tab') event.preventDefault();
      event.stopPropagation();
    },
    options,
  );
  document.addEventListener(
    'pointerdown',
    (event) => {
      if (event.target instanceof Node && !holder.contains(event.target)) close(false);
    },
    { ...options, capture: true },
  );
  signal.addEventListener('abort', () => close(false), options);
  holder.append(list);
  opener.setAttribute('aria-expanded', 'true');
  usable[0]?.focus({ preventScroll: true });
}
