/** Every command of the extension. */

import type { JupyterFrontEnd } from '@jupyterlab/application';
import { MainAreaWidget, Notification, type WidgetTracker } from '@jupyterlab/apputils';
import type { IFileBrowserFactory } from '@jupyterlab/filebrowser';
import type { INotebookTracker } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import { tuneIcon } from './icons';
import { RunView, SavedRunView } from './main_area';
import { notebookServices } from './notebooks';
import { writeQuickstart } from './quickstart';
import { controllerOf, type ReaderKernel, startReader } from './reader_kernel';

export const CommandIDs = {
  openQuickstart: 'synetune-lab:open-quickstart',
  openSavedRun: 'synetune-lab:open-saved-run',
  showPanel: 'synetune-lab:show-panel',
} as const;

export type SavedRunTracker = WidgetTracker<MainAreaWidget<SavedRunView>>;

export interface CommandContext {
  readonly app: JupyterFrontEnd;
  readonly notebooks: INotebookTracker | null;
  readonly files: IFileBrowserFactory | null;
  readonly tracker: SavedRunTracker;
  readonly trans: TranslationBundle;
}

export function addCommands(context: CommandContext): void {
  const { app, trans, notebooks } = context;
  app.commands.addCommand(CommandIDs.openQuickstart, {
    label: (args) =>
      args.isLauncher === true
        ? trans.__('Tune a Model')
        : trans.__('Open the Quick-Start Notebook'),
    caption: trans.__('Open a notebook that tunes a small neural network with a live panel'),
    icon: tuneIcon,
    execute: (args) => openQuickstart(context, args.cwd),
  });
  app.commands.addCommand(CommandIDs.openSavedRun, {
    label: (args) =>
      args.isLauncher === true ? trans.__('Saved Runs') : trans.__('Open Saved Run …'),
    caption: trans.__('Show the panel of a saved run; nothing of it is executed'),
    icon: tuneIcon,
    execute: (args) => openSavedRun(context, typeof args.path === 'string' ? args.path : null),
  });
  app.commands.addCommand(CommandIDs.showPanel, {
    label: trans.__('Show the Panel Beside the Notebook'),
    caption: trans.__('Open the panel of the run of this notebook next to it'),
    icon: tuneIcon,
    isEnabled: () => notebooks?.currentWidget !== null && notebooks !== null,
    execute: () => showPanel(context),
  });
}

async function openQuickstart(context: CommandContext, cwd: unknown): Promise<void> {
  const { app, files, trans } = context;
  const folder = typeof cwd === 'string' ? cwd : (files?.tracker.currentWidget?.model.path ?? '');
  try {
    const path = await writeQuickstart(app.serviceManager.contents, folder);
    await app.commands.execute('docmanager:open', { path });
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    Notification.error(trans.__('The quick-start notebook could not be written: %1', text));
  }
}

function openSavedRun(context: CommandContext, path: string | null): MainAreaWidget<SavedRunView> {
  const { app, tracker, notebooks } = context;
  let reader: ReaderKernel | null = null;
  let closed = false;
  const view = new SavedRunView(
    async () => {
      const known = await controllerOf(notebooks?.currentWidget?.sessionContext.session?.kernel);
      if (known !== null) return known;
      reader = await startReader(app.serviceManager);
      if (closed) reader.close();
      return reader.controller;
    },
    () => {
      closed = true;
      reader?.close();
    },
    path,
  );
  const main = new MainAreaWidget({ content: view });
  main.id = `synetune-saved-${Date.now().toString(36)}`;
  main.toolbar.hide();
  app.shell.add(main, 'main');
  void tracker.add(main);
  app.shell.activateById(main.id);
  return main;
}

async function showPanel(context: CommandContext): Promise<void> {
  const { app, notebooks, trans } = context;
  const panel = notebooks?.currentWidget ?? null;
  const controller = await controllerOf(panel?.sessionContext.session?.kernel);
  const runs = controller?.runs.value ?? [];
  const run = runs.findLast((one) => one.state === 'running') ?? runs.at(-1);
  if (panel === null || controller === null || run === undefined) {
    Notification.info(trans.__('This notebook has no run yet: show a tuner in a cell first.'), {
      autoClose: 5000,
    });
    return;
  }
  const main = new MainAreaWidget({
    content: new RunView(controller, run.run, notebookServices(panel)),
  });
  main.id = `synetune-panel-${Date.now().toString(36)}`;
  main.toolbar.hide();
  app.shell.add(main, 'main', { mode: 'split-right', ref: panel.id });
  app.shell.activateById(main.id);
}
