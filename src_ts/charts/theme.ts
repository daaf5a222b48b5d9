/** Colours and fonts of the charts: read from the style sheet once for each theme. */

export interface ChartTheme {
  readonly dark: boolean;
  readonly text: string;
  readonly muted: string;
  readonly faint: string;
  readonly grid: string;
  readonly surface: string;
  readonly accent: string;
  readonly running: string;
  readonly paused: string;
  readonly completed: string;
  readonly stopped: string;
  readonly failed: string;
  readonly font: string;
}

export const LIGHT: ChartTheme = {
  dark: false,
  text: '#1f2328',
  muted: '#5d646d',
  faint: '#c3c8ce',
  grid: '#eceef0',
  surface: '#ffffff',
  accent: '#0072b2',
  running: '#0072b2',
  paused: '#d55e00',
  completed: '#009e73',
  stopped: '#8a8a8a',
  failed: '#b2182b',
  font: 'system-ui, sans-serif',
};

export const DARK: ChartTheme = {
  dark: true,
  text: '#e6e8ea',
  muted: '#a3a9b1',
  faint: '#55595f',
  grid: '#2b2e32',
  surface: '#16181b',
  accent: '#56b4e9',
  running: '#56b4e9',
  paused: '#e69f00',
  completed: '#3cd3a6',
  stopped: '#9a9a9a',
  failed: '#f4a582',
  font: 'system-ui, sans-serif',
};

const COLOURS = [
  'text',
  'muted',
  'faint',
  'grid',
  'surface',
  'accent',
  'running',
  'paused',
  'completed',
  'stopped',
  'failed',
] as const;

/** The theme that the style sheet gives the panel's root, with our own colours where it does not. */
export function readTheme(root: HTMLElement, dark: boolean): ChartTheme {
  const style = getComputedStyle(root);
  const base = dark ? DARK : LIGHT;
  const found: Record<string, string> = {};
  for (const name of COLOURS) {
    const value = style.getPropertyValue(`--stl-${name}`).trim();
    if (value !== '') found[name] = value;
  }
  return { ...base, ...found, dark, font: style.fontFamily === '' ? base.font : style.fontFamily };
}

/** Whether what lies behind an element is dark. */
export function isDarkBehind(element: HTMLElement): boolean {
  for (let at = element.parentElement; at !== null; at = at.parentElement) {
    const rgb = parseRgb(getComputedStyle(at).backgroundColor);
    if (rgb !== null) return luminance(rgb) < 0.4;
  }
  return false;
}

function parseRgb(text: string): readonly [number, number, number] | null {
  const match = /^rgba?\(\s*([\d.]+)[ ,]+([\d.]+)[ ,]+([\d.]+)(?:[ ,/]+([\d.]+))?/.exec(text);
  if (match === null || Number(match[4] ?? 1) < 0.5) return null;
  return [Number(match[1]), Number(match[2]), Number(match[3])];
}

function luminance([r, g, b]: readonly [number, number, number]): number {
  return (0.2126 * r + 0.7152 * g + 0.0722 * b) / 255;
}

/** Calls when the theme of the page may have changed, until the signal aborts. */
export function watchTheme(call: () => void, signal: AbortSignal): void {
  // Hosts swap style sheets a moment before or after they mark the body.
  let timers: ReturnType<typeof setTimeout>[] = [];
  const soon = (): void => {
    timers.forEach(clearTimeout);
    timers = [setTimeout(call, 0), setTimeout(call, 350)];
  };
  const observer = new MutationObserver(soon);
  for (const node of [document.body, document.documentElement]) {
    observer.observe(node, {
      attributes: true,
      attributeFilter: [
        'class',
        'data-jp-theme-name',
        'data-jp-theme-light',
        'data-theme',
        'style',
      ],
    });
  }
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', soon, { signal });
  signal.addEventListener(
    'abort',
    () => {
      observer.disconnect();
      timers.forEach(clearTimeout);
    },
    { once: true },
  );
}

/** A sequential, colour-blind-safe map (viridis); 0 is dark, 1 bright. */
const VIRIDIS = [
  [68, 1, 84],
  [71, 44, 122],
  [59, 81, 139],
  [44, 113, 142],
  [33, 144, 141],
  [39, 173, 129],
  [92, 200, 99],
  [170, 220, 50],
  [253, 231, 37],
] as const;

export function viridis(share: number): string {
  const at = Math.min(1, Math.max(0, Number.isNaN(share) ? 0 : share)) * (VIRIDIS.length - 1);
  const low = VIRIDIS[Math.floor(at)] ?? VIRIDIS[0];
  const high = VIRIDIS[Math.ceil(at)] ?? low;
  const part = at - Math.floor(at);
  const mix = (i: 0 | 1 | 2): number => Math.round(low[i] + (high[i] - low[i]) * part);
  return `rgb(${mix(0)}, ${mix(1)}, ${mix(2)})`;
}

export function reducedMotion(): boolean {
  return matchMedia('(prefers-reduced-motion: reduce)').matches;
}
