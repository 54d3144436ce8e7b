/** Hosts of model providers and their gateways; a leading dot stands for every host below. */
const hosts = [
  '.openai.com',
  '.openai.azure.com',
  '.cognitiveservices.azure.com',
  '.services.ai.azure.com',
  '.models.ai.azure.com',
  'models.github.ai',
  '.anthropic.com',
  'generativelanguage.googleapis.com',
  'aiplatform.googleapis.com',
  '-aiplatform.googleapis.com',
  '.mistral.ai',
  '.cohere.com',
  '.cohere.ai',
  '.groq.com',
  '.deepseek.com',
  '.x.ai',
  '.together.xyz',
  '.together.ai',
  '.fireworks.ai',
  '.perplexity.ai',
  '.cerebras.ai',
  '.sambanova.ai',
  '.replicate.com',
  '.huggingface.co',
  '.endpoints.huggingface.cloud',
  '.openrouter.ai',
  'openrouter.ai',
  'ai-gateway.vercel.sh',
  'gateway.ai.cloudflare.com',
  'api.cloudflare.com',
  '.moonshot.ai',
  '.moonshot.cn',
  '.minimax.io',
  'dashscope.aliyuncs.com',
  'dashscope-intl.aliyuncs.com',
  '.voyageai.com',
  '.jina.ai',
  '.nvidia.com',
  '.elevenlabs.io',
  '.deepgram.com',
  '.assemblyai.com',
  '.stability.ai',
  '.langchain.com',
] as const

const bedrock = /^bedrock[a-z-]*\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?$/

/** Whether a host is a model provider's: nothing of a run is sent there unless it is named itself. */
export function isModelProvider(hostname: string): boolean {
  return (
    bedrock.test(hostname) || hosts.some((host) => (/^[.-]/.test(host) ? hostname.endsWith(host) : hostname === host))
  )
}
