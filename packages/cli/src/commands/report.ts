import { defineCommand } from '../command/command.ts';
import { REPORT_OPTIONS } from '../report/report-options.ts';
import { runReport } from '../report/run-report.ts';
import { IMAGE_FORMS } from '../transports/location.ts';

export const command = defineCommand({
  details: [
    'Compares an ordinary pull with starts over indexes of several settings: bytes, spans and time. Reads the image as ' +
      '"convert" does, and writes nothing to it. What a start reads comes from a profile, or is predicted.',
    'Exits with 3 if there is nothing to gain.',
  ],
  operands: [{ name: 'SRC', help: IMAGE_FORMS }],
  options: REPORT_OPTIONS,
  examples: [
    { purpose: 'see whether an index is worth it', line: 'report registry.example/app:v1' },
    { purpose: 'write a page for others', line: 'report --html report.html registry.example/app:v1' },
    {
      purpose: 'use a recorded profile and another network',
      line: 'report --profile app.json --bandwidth 100M oci:app:v1',
    },
  ],
  run: (args, context) => runReport(args, context),
});
