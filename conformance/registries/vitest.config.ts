import { suiteConfig } from '../suite-config.ts';

export default suiteConfig(import.meta.dirname, { globalSetup: 'launch/global-setup.ts', oneFileAtATime: true });
