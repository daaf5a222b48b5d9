/** The axes of the learning curves: they grow with the data and stay where the user zoomed. */

import type { RunState } from '../state/run';
import type { UiState } from '../state/ui';
import { dataExtents } from './curves_geometry';
import { type Extent, grow, type Scale, scaleFor, valueAt } from './scale';

export interface CurveAxes {
  readonly x: Scale;
  readonly y: Scale;
}

/** Index and direction of the metric that is shown. */
export function shownMetric(
  state: RunState,
  ui: UiState,
): { name: string; index: number; mode: 'min' | 'max' } {
  const names = state.curves.metricNames;
  const wanted = ui.metric ?? state.header.metricNames[0] ?? names[0] ?? '';
  const name = names.includes(wanted) ? wanted : (names[0] ?? wanted);
  const objective = state.header.metricNames.indexOf(name);
  const mode = state.header.metricModes[Math.max(0, objective)] ?? 'min';
  return { name, index: names.indexOf(name), mode };
}

export function shownX(state: RunState, ui: UiState): 'resource' | 'time' {
  if (ui.xAxis !== null) return ui.xAxis;
  const isOnce = state.curves.nReports > 3 && state.curves.nReports === state.curves.size;
  return isOnce && state.header.resourceAttr === null ? 'time' : 'resource';
}

/** Whether x is logarithmic: as chosen, or where rungs span orders of magnitude. */
export function isLogX(state: RunState, ui: UiState): boolean {
  if (ui.logX !== null) return ui.logX;
  if (shownX(state, ui) === 'time') return false;
  const levels = state.header.scheduler.rungLevels.flat();
  const most = state.header.maxResource ?? Math.max(0, ...levels);
  return levels.length > 0 && most / Math.min(...levels) >= LOG_FROM;
}

const LOG_FROM = 50;

export class AxesKeeper {
  private shownXExtent: Extent | null = null;
  private shownYExtent: Extent | null = null;
  private zoom: { x: Extent; y: Extent } | null = null;
  private key = '';
  /** For which state the shown extents were grown last. */
  private grownFor: RunState | null = null;

  get zoomed(): boolean {
    return this.zoom !== null;
  }

  /** The axes for what is there now. */
  axes(state: RunState, ui: UiState): CurveAxes {
    const metric = shownMetric(state, ui);
    const xAxis = shownX(state, ui);
    const logX = isLogX(state, ui);
    const key = [state.run, metric.name, xAxis, logX, ui.logY].join('|');
    if (key !== this.key) {
      this.key = key;
      this.reset();
    }
    if (this.grownFor !== state) this.growWith(state, metric, xAxis, logX);
    this.grownFor = state;
    return {
      x: scaleFor(logX ? 'log' : 'linear', this.zoom?.x ?? this.shownXExtent),
      y: scaleFor(ui.logY ? 'log' : 'linear', this.zoom?.y ?? this.shownYExtent),
    };
  }

  private growWith(
    state: RunState,
    metric: ReturnType<typeof shownMetric>,
    xAxis: 'resource' | 'time',
    logX: boolean,
  ): void {
    const data = dataExtents(
      state.curves.all(),
      state.curves.nReports,
      metric.index,
      xAxis,
      metric.mode,
    );
    this.shownXExtent = grow(this.shownXExtent, withGoal(data.x, state, xAxis, logX), 0);
    if (
      data.x !== null &&
      this.shownXExtent !== null &&
      data.x.max > this.shownXExtent.max * 0.999
    ) {
      const room = xAxis === 'time' ? 0.25 : 0;
      const { min, max } = this.shownXExtent;
      this.shownXExtent = { min, max: max + (max - min) * room };
    }
    this.shownYExtent = grow(this.shownYExtent, data.y, 0.08);
  }

  /** Shows a part of the present axes; shares are from 0 to 1 along each. */
  zoomTo(axes: CurveAxes, x0: number, x1: number, y0: number, y1: number): void {
    this.zoom = { x: part(axes.x, x0, x1), y: part(axes.y, y0, y1) };
  }

  /** Back to all data, with axes no larger than they need. */
  reset(): void {
    this.zoom = null;
    this.shownXExtent = null;
    this.shownYExtent = null;
    this.grownFor = null;
  }
}

function part(scale: Scale, from: number, to: number): Extent {
  return { min: valueAt(scale, Math.min(from, to)), max: valueAt(scale, Math.max(from, to)) };
}

/** x up to the full resource, unless that is far away. */
function withGoal(
  data: Extent | null,
  state: RunState,
  xAxis: 'resource' | 'time',
  log: boolean,
): Extent | null {
  if (data === null) return null;
  if (xAxis === 'time') return { min: 0, max: Math.max(data.max, 1) };
  const goal = state.header.maxResource;
  const near = goal !== null && goal > data.max && goal <= Math.max(data.max, 1) * (log ? 40 : 10);
  const max = near ? goal : data.max;
  return {
    min: log ? data.min : Math.min(data.min, Math.max(0, data.min - 1)),
    max: Math.max(max, data.min + 1),
  };
}
