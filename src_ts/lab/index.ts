/** The JupyterLab and Notebook part: renderer, commands, launcher, palette, settings. */

import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin,
} from '@jupyterlab/application';
import { ICommandPalette, type MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';
import { IFileBrowserFactory } from '@jupyterlab/filebrowser';
import { ILauncher } from '@jupyterlab/launcher';
import { INotebookTracker, type NotebookPanel } from '@jupyterlab/notebook';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import type { IDisposable } from '@lumino/disposable';
import { addCommands, CommandIDs } from './commands';
import type { SavedRunView } from './main_area';
import { notebookServices } from './notebooks';
import { rendererFactory } from './renderer';
import { loadSettings, type Settings } from './settings';

const PLUGIN_ID = 'synetune-lab:plugin';
const CATEGORY = 'Hyperparameter tuning';

const plugin: JupyterFrontEndPlugin<void> = {
  id: PLUGIN_ID,
  description: 'The live panel of hyperparameter tuning runs.',
  autoStart: true,
  optional: [
    IRenderMimeRegistry,
    INotebookTracker,
    ICommandPalette,
    ILauncher,
    ILayoutRestorer,
    ISettingRegistry,
    ITranslator,
    IFileBrowserFactory,
  ],
  activate: async (
    app: JupyterFrontEnd,
    rendermime: IRenderMimeRegistry | null,
    notebooks: INotebookTracker | null,
    palette: ICommandPalette | null,
    launcher: ILauncher | null,
    restorer: ILayoutRestorer | null,
    registry: ISettingRegistry | null,
    translator: ITranslator | null,
    files: IFileBrowserFactory | null,
  ): Promise<void> => {
    const trans = (translator ?? nullTranslator).load('synetune_lab');
    // Notebooks that are restored at once need their renderer before the settings are there.
    const settings = new Promise<Settings>((resolve) => {
      void loadSettings(registry, PLUGIN_ID).then(resolve);
    });
    const early = await Promise.race([settings, loadSettings(null, PLUGIN_ID)]);
    registerRenderers(rendermime, notebooks, early, settings);
    const tracker = new WidgetTracker<MainAreaWidget<SavedRunView>>({
      namespace: 'synetune-saved',
    });
    addCommands({ app, notebooks, files, tracker, trans });
    const category = trans.__(CATEGORY);
    for (const command of Object.values(CommandIDs)) palette?.addItem({ command, category });
    if (restorer !== null) {
      void restorer.restore(tracker, {
        command: CommandIDs.openSavedRun,
        args: ({ content }) => (content.path === null ? {} : { path: content.path }),
        name: ({ id }) => id,
      });
    }
    if (launcher !== null) followLauncher(launcher, category, await settings);
  },
};

/** A factory of its own for each notebook, which so knows the notebook's kernel. */
function registerRenderers(
  rendermime: IRenderMimeRegistry | null,
  notebooks: INotebookTracker | null,
  early: Settings,
  settings: Promise<Settings>,
): void {
  let current = early;
  void settings.then((loaded) => {
    current = loaded;
  });
  rendermime?.addFactory(
    rendererFactory(() => ({ kernel: null, services: {}, settings: current })),
  );
  const serve = (panel: NotebookPanel): void => {
    const services = notebookServices(panel);
    const kernel = panel.sessionContext;
    panel.content.rendermime.addFactory(
      rendererFactory(() => ({ kernel, services, settings: current })),
    );
  };
  notebooks?.forEach(serve);
  notebooks?.widgetAdded.connect((_sender, panel) => serve(panel));
}

function followLauncher(launcher: ILauncher, category: string, settings: Settings): void {
  let cards: IDisposable[] = [];
  const update = (): void => {
    for (const card of cards) card.dispose();
    cards = [];
    if (!settings.value.launcherCard) return;
    const args = { isLauncher: true };
    cards = [
      launcher.add({ command: CommandIDs.openQuickstart, category, args, rank: 1 }),
      launcher.add({ command: CommandIDs.openSavedRun, category, args, rank: 2 }),
    ];
  };
  settings.subscribe(update, new AbortController().signal);
  update();
}

export default plugin;
