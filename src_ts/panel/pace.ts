/** The speed of a simulated run: how fast its time passes, and one step at a time. */

import { h, setHidden } from '../dom/dom';
import { icon } from '../dom/icons';
import type { PanelContext } from './context';

const MAX = 'max';
const SPEEDS: readonly (readonly [string, string])[] = [
  [MAX, 'as fast as possible'],
  ['10000', '10,000 × real time'],
  ['1000', '1,000 × real time'],
  ['100', '100 × real time'],
  ['10', '10 × real time'],
  ['1', 'real time'],
  ['0', 'standing still'],
];

export class Pace {
  readonly root: HTMLElement;
  private readonly speed: HTMLSelectElement;
  private readonly step: HTMLButtonElement;

  constructor(private readonly context: PanelContext) {
    const { actions, signal } = context;
    this.speed = h(
      'select',
      {
        class: 'stl-select',
        title: 'How fast simulated time passes',
        aria: { label: 'Speed of the simulation' },
        data: { action: 'set-speed' },
      },
      ...SPEEDS.map(([value, label]) => h('option', { attrs: { value } }, label)),
    );
    this.speed.addEventListener(
      'change',
      () => {
        const { value } = this.speed;
        actions.setSpeed(value === MAX ? null : Number(value), this.speed);
      },
      { signal },
    );
    this.step = h(
      'button',
      {
        class: 'stl-step stl-step-alone',
        title: 'Let one thing happen: the next report or end of a trial',
        aria: { label: 'One step' },
        data: { action: 'step' },
        attrs: { type: 'button' },
      },
      icon('step'),
    );
    this.step.addEventListener('click', () => actions.step(this.step), { signal });
    this.root = h(
      'span',
      { class: 'stl-workers', role: 'group', aria: { label: 'Simulated time' } },
      h('span', { class: 'stl-dim' }, 'simulated'),
      this.speed,
      this.step,
    );
    const update = (): void => this.update();
    context.state.subscribe(update, signal);
    context.source.link.subscribe(update, signal);
    this.update();
  }

  private update(): void {
    const header = this.context.state.value?.header;
    const simulation = header?.simulation ?? null;
    const over = header === undefined || ['finished', 'failed'].includes(header.state);
    setHidden(this.root, simulation === null || over || header.readOnly);
    if (simulation === null) return;
    const blocked = this.context.actions.obstacle() !== null;
    this.speed.disabled = blocked;
    this.step.disabled = blocked || simulation.speed !== 0;
    this.show(simulation.speed);
  }

  /** A speed that the list lacks, set from a cell, gets an entry of its own. */
  private show(speed: number | null): void {
    const value = speed === null ? MAX : String(speed);
    if (document.activeElement === this.speed && this.speed.value === value) return;
    if (![...this.speed.options].some((option) => option.value === value)) {
      this.speed.append(h('option', { attrs: { value } }, `${value} × real time`));
    }
    if (this.speed.value !== value) this.speed.value = value;
  }
}
