"""SoundBank: folders of noise and impulse responses become one checked artifact."""
