/** The panel's icons, 16 by 16, in the colour of the text around them. */

const SVG = 'http://www.w3.org/2000/svg';

const PATHS = {
  pause: 'M4.5 3h2.4v10H4.5zM9.1 3h2.4v10H9.1z',
  play: 'M4.5 2.8v10.4L13 8z',
  step: 'M3.5 3v10l7-5zM11 3h1.8v10H11z',
  stop: 'M3.8 3.8h8.4v8.4H3.8z',
  more: 'M3.5 6.8a1.2 1.2 0 1 1 0 2.4 1.2 1.2 0 0 1 0-2.4zm4.5 0a1.2 1.2 0 1 1 0 2.4 1.2 1.2 0 0 1 0-2.4zm4.5 0a1.2 1.2 0 1 1 0 2.4 1.2 1.2 0 0 1 0-2.4z',
  close:
    'M4.2 3.1 8 6.9l3.8-3.8 1.1 1.1L9.1 8l3.8 3.8-1.1 1.1L8 9.1l-3.8 3.8-1.1-1.1L6.9 8 3.1 4.2z',
  chevron: 'M5.7 3.6 10.1 8l-4.4 4.4-1.1-1.1L8 8 4.6 4.7z',
  plus: 'M7.25 3.5h1.5v3.75h3.75v1.5H8.75v3.75h-1.5V8.75H3.5v-1.5h3.75z',
  minus: 'M3.5 7.25h9v1.5h-9z',
  download: 'M7.25 2.5h1.5v5.6l2-2 1.1 1.1L8 11 4.15 7.2l1.1-1.1 2 2zM3 12h10v1.5H3z',
  columns: 'M2.5 3h3.2v10H2.5zM6.9 3h2.2v10H6.9zM10.3 3h3.2v10h-3.2z',
  table:
    'M2.5 3h11v10h-11zM4 6.2v1.6h3.2V6.2zm4.7 0v1.6H12V6.2zM4 9.3v2.2h3.2V9.3zm4.7 0v2.2H12V9.3z',
  chart: 'M2.5 2.5H4V12h9.5v1.5h-11zM6 10.6 5 9.5l2.8-3.2 2 1.8L12.6 4l1.1.9-3.7 5-2.1-1.9z',
  pin: 'M6 2h4v1.3l-.7.5.5 3.4L11.5 9v1.2H8.7L8 14l-.7-3.8H4.5V9l1.7-1.8.5-3.4L6 3.3z',
  outside: 'M8.5 2.5h5v5h-1.4V4.9L7.6 9.4l-1-1 4.5-4.5H8.5zM2.5 4h4v1.4H3.9v6.7h6.7V9.5H12v4H2.5z',
  expand: 'M9.5 2.5h4v4l-1.4-1.4-2.9 2.9-1-1L11 3.9zM6.5 13.5h-4v-4l1.4 1.4L6.8 8l1 1L5 12.1z',
  copy: 'M5.5 2.5h8v8h-2v-1H12V4H7v.5H5.5zM2.5 5.5h8v8h-8zM4 7v5h5V7z',
  help: 'M8 1.8a6.2 6.2 0 1 1 0 12.4A6.2 6.2 0 0 1 8 1.8zm0 1.4a4.8 4.8 0 1 0 0 9.6 4.8 4.8 0 0 0 0-9.6zM7.3 10.3h1.4v1.4H7.3zM8 4.3c1.4 0 2.3.8 2.3 2 0 1.5-1.6 1.5-1.6 2.9H7.3c0-2.1 1.6-2 1.6-2.9 0-.4-.3-.7-.9-.7s-1 .3-1 1H5.6c0-1.4 1-2.3 2.4-2.3z',
} as const;

export type IconName = keyof typeof PATHS;

export function icon(name: IconName): SVGSVGElement {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 16 16');
  svg.setAttribute('class', `stl-icon stl-icon-${name}`);
  svg.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS(SVG, 'path');
  path.setAttribute('d', PATHS[name]);
  svg.append(path);
  return svg;
}

/** A line through values between 0 and 1 (1 on top), for a row of the trial table. */
export function sparkline(
  points: readonly (readonly [number, number])[],
  widthCss: number,
  heightCss: number,
): SVGSVGElement {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', `0 0 ${widthCss} ${heightCss}`);
  svg.setAttribute('width', String(widthCss));
  svg.setAttribute('height', String(heightCss));
  svg.setAttribute('class', 'stl-spark');
  svg.setAttribute('aria-hidden', 'true');
  const place = ([x, y]: readonly [number, number]): string =>
    `${(2 + x * (widthCss - 4)).toFixed(1)},${(heightCss - 2 - y * (heightCss - 4)).toFixed(1)}`;
  if (points.length > 1) {
    const line = document.createElementNS(SVG, 'polyline');
    line.setAttribute('points', points.map(place).join(' '));
    svg.append(line);
  }
  const last = points.at(-1);
  if (last !== undefined) {
    const [cx = '0', cy = '0'] = place(last).split(',');
    const dot = document.createElementNS(SVG, 'circle');
    dot.setAttribute('cx', cx);
    dot.setAttribute('cy', cy);
    dot.setAttribute('r', '1.8');
    svg.append(dot);
  }
  return svg;
}
