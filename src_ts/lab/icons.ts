/** The extension's icon: trials that climb through rungs. */

import { LabIcon } from '@jupyterlab/ui-components';

const SVG = [
  '<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 16 16">',
  '<g class="jp-icon3" fill="#616161"><path d="M1.5 13.2h13v1.3h-13z"/>',
  '<circle cx="3.2" cy="10.6" r="1.2"/><circle cx="3.2" cy="7.4" r="1.2"/>',
  '<circle cx="8" cy="8.2" r="1.2"/><circle cx="8" cy="5" r="1.2"/>',
  '<path d="M3.4 6.8 7.8 4.4l.5.9-4.4 2.4z"/><path d="M8.2 4.5 12.6 2.4l.4.9-4.4 2.1z"/></g>',
  '<circle class="jp-icon-brand1" cx="12.8" cy="2.9" r="1.7" fill="#0072B2"/></svg>',
].join('');

export const tuneIcon = new LabIcon({ name: 'synetune-lab:tune', svgstr: SVG });
