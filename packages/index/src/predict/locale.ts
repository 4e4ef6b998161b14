import type { Origin, Prediction } from './prediction.ts';

/** Maximum size of the archive of locales that is predicted whole, in bytes. */
const MAX_ARCHIVE = 4 << 20;

/**
 * Predicts what `setlocale(LC_ALL, "")` of glibc reads.
 *
 * @param fallback - Locale if the environment selects none, or `C`.
 * @see locale(7)
 */
export async function addLocale(prediction: Prediction, origin: Origin, fallback?: string): Promise<void> {
  const { variables } = prediction.environment;
  const chosen = ['LC_ALL', 'LC_CTYPE', 'LANG'].map((name) => variables.get(name)).find((value) => value);
  const isDefault = chosen === undefined || chosen === 'C' || chosen === 'POSIX';
  const locale = isDefault ? fallback : chosen;
  if (locale === undefined || locale.includes('/')) return;
  const configuration: Origin = { ...origin, reason: 'configuration' };
  await prediction.addPath('/usr/lib/x86_64-linux-gnu/gconv/gconv-modules.cache', configuration);
  const directory = `/usr/lib/locale/${locale.replace(/\.utf-?8$/i, '.utf8')}`;
  const names = await prediction.files.list(directory);
  if (names === undefined) {
    const archive = await prediction.files.find('/usr/lib/locale/locale-archive');
    if (archive !== undefined && archive.size <= MAX_ARCHIVE) prediction.add(archive, configuration);
    return;
  }
  const wanted = isDefault ? names.filter((name) => name === 'LC_CTYPE') : names;
  for (const name of wanted) await prediction.addPath(`${directory}/${name}`, configuration);
  if (wanted.includes('LC_MESSAGES'))
    await prediction.addPath(`${directory}/LC_MESSAGES/SYS_LC_MESSAGES`, configuration);
}
