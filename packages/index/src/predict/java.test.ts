import { expect, it } from 'vitest';
import { makeElf } from './fixtures/elf-file.ts';
import { predictFiles } from './fixtures/predict-files.ts';

it('a Java program reads the libraries of the virtual machine, the class archive and its JAR file', async () => {
  const home = 'opt/java';
  const files = {
    'usr/bin/java': '-> /opt/java/bin/java',
    [`${home}/bin/java`]: makeElf({ needed: ['libjli.so'], runpath: '$ORIGIN/../lib' }),
    [`${home}/lib/libjli.so`]: makeElf(),
    [`${home}/lib/libjava.so`]: makeElf({ needed: ['libjvm.so'], runpath: '$ORIGIN/server' }),
    [`${home}/lib/server/libjvm.so`]: makeElf(),
    [`${home}/lib/server/classes.jsa`]: 'classes',
    [`${home}/lib/modules`]: 'modules',
    [`${home}/lib/libunused.so`]: makeElf(),
    'app/app.jar': 'PK',
    'app/other.jar': 'PK',
  };
  const config = {
    Entrypoint: ['java', '-Xmx1g'],
    Cmd: ['-jar', 'app.jar'],
    Env: ['PATH=/usr/bin'],
    WorkingDir: '/app',
  };
  const { files: predicted } = await predictFiles(files, config);
  expect(predicted.map(({ path }) => path)).toEqual([
    '/app/app.jar',
    ...['bin/java', 'lib/libjava.so', 'lib/libjli.so', 'lib/server/classes.jsa', 'lib/server/libjvm.so'].map(
      (name) => `/${home}/${name}`,
    ),
  ]);
});
