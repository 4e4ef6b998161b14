import { parsePlatform } from '@soci/oci';
import { excluding, flag, parseText, valueOption } from '../command/option.ts';
import { CONVERT_OPTIONS } from '../image/index-options.ts';
import { REGISTRY_OPTIONS } from '../transports/registry-options.ts';
import { parseBandwidth, parseLatency } from './network-options.ts';

const { jobs, 'min-layer-size': minLayerSize, recompress } = CONVERT_OPTIONS;

/** Options of `report`. */
export const REPORT_OPTIONS = {
  platform: valueOption('PLATFORM', parsePlatform, 'select a platform of a multi-platform image', 'p'),
  profile: excluding(valueOption('FILE', parseText, 'use this profile (default: predict one)'), 'use-stored-profile'),
  'use-stored-profile': flag('use the profile of the repository'),
  html: valueOption('FILE', parseText, 'write the report to FILE, as one page'),
  bandwidth: valueOption('RATE', parseBandwidth, 'assume this bandwidth, in bit/s (default 1G)'),
  latency: valueOption('TIME', parseLatency, 'assume this latency (default 10ms)'),
  'min-layer-size': minLayerSize,
  recompress,
  jobs,
  ...REGISTRY_OPTIONS,
} as const;
