/** Numbers and times as text. */

/**
 * A number in a few significant digits: `0.914`, `128`, `3.2e-3`, `12,400`.
 *
 * @param digits significant digits of a fraction; whole numbers keep all theirs below 10^6.
 */
export function formatNumber(value: number | null | undefined, digits = 3): string {
  if (value === null || value === undefined) return '–';
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '−∞';
  if (value === 0) return '0';
  const size = Math.abs(value);
  let text: string;
  if (Number.isInteger(value) && size < 1e6) text = grouped(value);
  else if (size < 1e-3 || size >= 1e6) text = exponential(value, digits);
  else if (size >= 10 ** digits) text = grouped(Math.round(value));
  else text = value.toPrecision(digits);
  return text.replace('-', '−').replace('e−', 'e-');
}

/** The same without padding zeros, for hyperparameters: `0.5`, not `0.500`. */
export function formatShort(value: number, digits = 3): string {
  const text = formatNumber(value, digits);
  if (!text.includes('.') || text.includes('e')) return text;
  return text.replace(/0+$/, '').replace(/\.$/, '');
}

function grouped(value: number): string {
  const digits = Math.abs(value).toString();
  if (digits.length <= 4) return String(value);
  return (value < 0 ? '-' : '') + digits.replace(/\B(?=(\d{3})+$)/g, ',');
}

function exponential(value: number, digits: number): string {
  const [mantissa = '', exponent = '0'] = value.toExponential(Math.max(0, digits - 1)).split('e');
  const short = mantissa.includes('.') ? mantissa.replace(/0+$/, '').replace(/\.$/, '') : mantissa;
  return `${short}e${exponent.replace('+', '')}`;
}

/** Any value of a configuration or a report. */
export function formatValue(value: unknown, digits = 3): string {
  if (typeof value === 'number') return formatShort(value, digits);
  if (typeof value === 'string') return value;
  if (value === true) return 'true';
  if (value === false) return 'false';
  if (value === null || value === undefined) return '–';
  return JSON.stringify(value);
}

/** The value in full, for a tooltip. */
export function exactValue(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}

/** `04:12`, `1:04:12`, `2 d 03:00`. */
export function formatDuration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return '–';
  const whole = Math.max(0, Math.floor(seconds));
  const s = pad(whole % 60);
  const m = Math.floor(whole / 60) % 60;
  const h = Math.floor(whole / 3600);
  if (h >= 48) return `${Math.floor(h / 24)} d ${pad(h % 24)}:${pad(m)}`;
  return h > 0 ? `${h}:${pad(m)}:${s}` : `${pad(m)}:${s}`;
}

function pad(value: number): string {
  return String(value).padStart(2, '0');
}

/** `12 s`, `3 min`, `2 h`. */
export function roughly(seconds: number): string {
  if (seconds < 90) return `${Math.max(0, Math.round(seconds))} s`;
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min`;
  if (seconds < 36 * 3600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} d`;
}

export function ago(seconds: number): string {
  return seconds < 2 ? 'just now' : `${roughly(seconds)} ago`;
}

export function ordinal(n: number): string {
  const tens = n % 100;
  if (tens >= 11 && tens <= 13) return `${n}th`;
  return `${n}${['th', 'st', 'nd', 'rd'][n % 10] ?? 'th'}`;
}

export function plural(n: number, one: string, many = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`;
}
