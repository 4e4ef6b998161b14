import { posix } from 'node:path';
import type { Interpreting } from './interpreter.ts';

/** Libraries and files that every Java virtual machine reads when it starts, below its home directory. Checked with Java 17. */
const LIBRARIES = [
  'lib/server/libjvm.so',
  'lib/libjava.so',
  'lib/libjimage.so',
  'lib/libzip.so',
  'lib/libnio.so',
  'lib/libnet.so',
];
const FILES = ['lib/jvm.cfg', 'lib/server/classes.jsa', 'conf/security/java.security'];
/** Maximum size of a JAR file that is predicted whole, in bytes. */
const MAX_JAR = 64 << 20;

/** Predicts what a Java virtual machine reads when it starts. Classes in its image of modules and on the class path are not predicted. */
export async function addJava({ prediction, libraries, file, args, origin }: Interpreting): Promise<void> {
  const home = posix.resolve(file.path, '../..');
  for (const name of FILES) await prediction.addPath(`${home}/${name}`, { ...origin, reason: 'configuration' });
  for (const name of LIBRARIES) {
    const library = await prediction.files.find(`${home}/${name}`);
    if (library === undefined) continue;
    prediction.visit('library', library, origin, async () => {
      await libraries.addElf(library, { ...origin, reason: 'library' }, { isProgram: name.endsWith('libjvm.so') });
    });
  }
  const jar = args[args.indexOf('-jar') + 1];
  if (!args.includes('-jar') || jar === undefined) return;
  const archive = await prediction.files.find(posix.resolve(prediction.environment.directory, jar));
  if (archive !== undefined && archive.size <= MAX_JAR) prediction.add(archive, { ...origin, reason: 'script' });
}
