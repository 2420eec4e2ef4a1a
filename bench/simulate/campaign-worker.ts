// The process of one worker of a campaign: options come in, sums go out.

import { type CampaignOptions, runCampaign } from './campaign.js';

process.once('message', (options: CampaignOptions) => {
  runCampaign(options, (sums) => process.send?.({ kind: 'progress', sums })).then(
    (sums) => process.send?.({ kind: 'done', sums }, () => process.disconnect()),
    (error: unknown) => {
      console.error(error);
      process.exitCode = 1;
      process.disconnect();
    },
  );
});
