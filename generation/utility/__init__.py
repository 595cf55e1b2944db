"""What the fakes are good for: classifiers trained on them, tested on real images. Plain room: no Django inside."""
