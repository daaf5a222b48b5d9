/** The learning curves as a table. */

import { formatNumber, formatShort } from '../state/format';
import { mainMetric, type RunState, trialsOf } from '../state/run';
import { resourceWord, statusPhrase } from '../state/sentences';
import type { UiState } from '../state/ui';
import type { DataTable } from './card';
import { shownMetric } from './curves_axes';

export function curvesTable(run: RunState | null, ui: UiState): DataTable {
  if (run === null) return { caption: 'No data yet', head: [], rows: [] };
  const metric = shownMetric(run, ui);
  const rows = trialsOf(run).map((row) => {
    const curve = run.curves.get(row.id);
    const end = curve === undefined ? -1 : curve.n - 1;
    return [
      String(row.id),
      statusPhrase(row),
      curve === undefined ? '–' : formatShort(curve.resource[end] ?? Number.NaN),
      formatNumber(curve?.metrics[metric.index]?.[end], 4),
      formatNumber(row.best, 4),
    ];
  });
  return {
    caption: `${metric.name} of each trial`,
    head: [
      'trial',
      'state',
      resourceWord(run.header),
      'last',
      `best ${mainMetric(run.header).name}`,
    ],
    rows,
  };
}
