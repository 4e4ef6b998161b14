import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { billOf, formatLambda, RECOMMENDED_MEMORY, vcpusOf } from './report.ts';

/** 5.8 s of processor time, for which a function of 1,024 MB needs ten seconds. */
const MEASURED = { memory: 1024, seconds: 11, cpu: (10 * 1024) / 1769, peak: 150e6 };

it('computes the cost of 1,000 images from GB-seconds and requests', () => {
  const bill = billOf(437e6, MEASURED);
  expect(bill.seconds).toBeCloseTo(10);
  expect(bill.gigabyteSeconds).toBeCloseTo(10);
  expect(bill.x86).toBeCloseTo(10_000 * 0.0000166667 + 1000 * 0.0000002);
  expect(bill.arm).toBeCloseTo(10_000 * 0.0000133334 + 1000 * 0.0000002);
});

it('gives a function no more processors than the machine has', () => {
  const measured = { memory: 10_240, seconds: 7, cpu: 20, peak: 0 };
  expect(billOf(437e6, measured, 2).seconds).toBe(10);
  expect(billOf(437e6, { ...measured, memory: 3538 }, 16).seconds).toBe(10);
});

it('assumes at most 75 MB/s from the network', () => {
  expect(billOf(1500e6, MEASURED).seconds).toBe(20);
});

it('gives one vCPU for 1,769 MB', () => {
  expect(vcpusOf(1769)).toBe(1);
  expect(vcpusOf(512)).toBeCloseTo(0.29);
});

it('names the size whose time and cost are better than those of the default', () => {
  const measurements = [MEASURED, { ...MEASURED, memory: 1769, cpu: 10 }];
  expect(formatLambda([{ title: '437 MB', bytes: 437e6, measurements }])).toContain(
    '**Target missed**: with the default of 1,769 MB, the time times the cost of 437 MB is at most 1.1 times the smallest one. Measured: 1.73.',
  );
});

it('recommends the default of the construct, the template and the Terraform module', () => {
  const read = (path: string) => readFileSync(join(import.meta.dirname, '..', '..', '..', path), 'utf8');
  const built = JSON.parse(read('packages/construct/src/fixtures/soci-index-builder.json'));
  const template = JSON.parse(read('apps/stack/src/fixtures/plain-template.json'));
  const [, variable = ''] = read('apps/terraform/variables.tf').split('variable "memory_size" {');
  const functions = Object.values<{ readonly Properties: { readonly MemorySize?: number } }>(built.Resources);
  expect(functions.map(({ Properties }) => Properties.MemorySize)).toContain(RECOMMENDED_MEMORY);
  expect(template.Parameters.MemorySize.Default).toBe(RECOMMENDED_MEMORY);
  expect(/default\s*= (\d+)/.exec(variable)?.[1]).toBe(`${RECOMMENDED_MEMORY}`);
});
