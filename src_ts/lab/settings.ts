/** The user's settings, with their defaults where there is no registry. */

import type { ISettingRegistry } from '@jupyterlab/settingregistry';
import { Store } from '../state/store';

export interface SettingValues {
  readonly liveInNotebooks: boolean;
  readonly notifyOnFailure: boolean;
  readonly launcherCard: boolean;
}

export type Settings = Store<SettingValues>;

const DEFAULTS: SettingValues = {
  liveInNotebooks: true,
  notifyOnFailure: true,
  launcherCard: true,
};

/** Settings that follow the registry. */
export async function loadSettings(
  registry: ISettingRegistry | null,
  plugin: string,
): Promise<Settings> {
  const settings: Settings = new Store(DEFAULTS);
  if (registry === null) return settings;
  try {
    const loaded = await registry.load(plugin);
    const read = (): void => {
      const flag = (name: keyof SettingValues): boolean => {
        const value = loaded.composite[name];
        return typeof value === 'boolean' ? value : DEFAULTS[name];
      };
      settings.set({
        liveInNotebooks: flag('liveInNotebooks'),
        notifyOnFailure: flag('notifyOnFailure'),
        launcherCard: flag('launcherCard'),
      });
    };
    loaded.changed.connect(read);
    read();
  } catch {
    // Some embedders have a registry without our schema: defaults serve.
  }
  return settings;
}
