/** What a notebook offers to the panels in its outputs. */

import { NotebookActions, type NotebookPanel } from '@jupyterlab/notebook';
import type { HostServices } from '../panel/context';

export function notebookServices(panel: NotebookPanel): HostServices {
  return {
    insertCode(code, run) {
      const notebook = panel.content;
      NotebookActions.insertBelow(notebook);
      notebook.activeCell?.model.sharedModel.setSource(code);
      notebook.activate();
      if (run) void NotebookActions.run(notebook, panel.sessionContext);
    },
    leave() {
      panel.content.activate();
    },
  };
}
